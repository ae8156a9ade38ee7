{{ config(materialized='table', engine='MergeTree()', order_by='(unit_kind, unit_id, month_on)') }}

with deal as (
    select
        rep_id,
        account_id,
        {{ month_on('close_on') }} as month_on,
        coalesce(bookings_minor, 0) as booked,
        if(gross_margin_rate is null, 0, round(booked * gross_margin_rate)) as margin_told,
        if(gross_margin_rate is null, booked, 0) as margin_untold,
        toUInt64(is_won) as won,
        toUInt64(not is_won) as lost,
        if(is_won, greatest(dateDiff('day', created_on, close_on), 0), 0) as days,
        0 as opened
    from {{ ref('stg_closed_opportunity') }}
    union all
    select
        rep_id,
        account_id,
        {{ month_on('created_on') }} as month_on,
        0 as booked,
        0 as margin_told,
        0 as margin_untold,
        0 as won,
        0 as lost,
        0 as days,
        coalesce(pipeline_minor, 0) as opened
    from {{ ref('stg_created_opportunity') }}
),

-- What buyers did: they wrote, or spoke with us.
heard as (
    select
        matched.account_id as account_id,
        {{ month_on(day_on('activity.event_time')) }} as month_on,
        count() as engaged
    from {{ ref('stg_activity') }} as activity
    inner join {{ ref('stg_match') }} as matched on activity.activity_id = matched.activity_id
    where
        matched.account_id != ''
        and not activity.is_automatic
        and activity.time_quality != 'heard'
        and (
            activity.channel in ('call', 'meeting')
            or activity.direction = 'inbound'
        )
    group by account_id, month_on
),

place as (
    select
        account_id,
        territory_id
    from {{ ref('stg_account') }}
),

placed as (
    select
        'rep' as unit_kind,
        rep_id as unit_id,
        month_on, booked, margin_told, margin_untold, won, lost, days, opened, 0 as engaged
    from deal
    union all
    select
        'account' as unit_kind,
        account_id as unit_id,
        month_on, booked, margin_told, margin_untold, won, lost, days, opened, 0 as engaged
    from deal
    union all
    select
        'territory' as unit_kind,
        place.territory_id as unit_id,
        month_on, booked, margin_told, margin_untold, won, lost, days, opened, 0 as engaged
    from deal
    inner join place on deal.account_id = place.account_id
    union all
    select
        'team' as unit_kind,
        month.team_id as unit_id,
        deal.month_on as month_on,
        booked, margin_told, margin_untold, won, lost, days, opened, 0 as engaged
    from deal
    inner join {{ ref('rep_month') }} as month
        on deal.rep_id = month.rep_id and deal.month_on = month.month_on
    union all
    select
        kind_and_id.1 as unit_kind,
        kind_and_id.2 as unit_id,
        month_on,
        0 as booked, 0 as margin_told, 0 as margin_untold,
        0 as won, 0 as lost, 0 as days, 0 as opened,
        emails_inbound + calls + meetings as engaged
    from {{ ref('rep_month') }}
    array join [('rep', rep_id), ('team', team_id)] as kind_and_id
    union all
    select
        kind_and_id.1 as unit_kind,
        kind_and_id.2 as unit_id,
        month_on,
        0 as booked, 0 as margin_told, 0 as margin_untold,
        0 as won, 0 as lost, 0 as days, 0 as opened,
        engaged
    from (
        select
            heard.account_id as account_id,
            heard.month_on as month_on,
            heard.engaged as engaged,
            place.territory_id as territory_id
        from heard
        inner join place on heard.account_id = place.account_id
    )
    array join [('account', account_id), ('territory', territory_id)] as kind_and_id
)

select
    unit_kind,
    unit_id,
    month_on,
    {{ base_currency() }} as currency,
    toInt64(sum(booked)) as bookings_minor,
    toInt64(sum(margin_told)) as margin_told_minor,
    toInt64(sum(margin_untold)) as bookings_without_margin_minor,
    toInt64(sum(opened)) as pipeline_created_minor,
    toUInt64(sum(won)) as deals_won,
    toUInt64(sum(lost)) as deals_lost,
    sum(won) / nullIf(sum(won) + sum(lost), 0) as win_rate,
    sum(days) / nullIf(sum(won), 0) as cycle_days,
    toUInt64(sum(engaged)) as engagement
from placed
where unit_id != ''
group by unit_kind, unit_id, month_on
