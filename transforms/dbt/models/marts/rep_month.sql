{{ config(materialized='table', engine='MergeTree()', order_by='(rep_id, month_on)') }}

with closed as (
    select
        rep_id,
        {{ month_on('close_on') }} as month_on,
        sum(
            coalesce(bookings_minor, 0)
            + throwIf(
                bookings_minor is null,
                'a booking has no currency rate: dbt test every_booking_has_a_rate names it'
            )
        ) as bookings_minor,
        countIf(is_won) as deals_won,
        countIf(not is_won) as deals_lost
    from {{ ref('stg_closed_opportunity') }}
    group by rep_id, month_on
),

person as (
    select distinct
        activity_id,
        channel,
        direction,
        {{ month_on(day_on('event_time')) }} as month_on,
        address
    from {{ ref('stg_activity') }}
    array join
        participant_address as address,
        participant_is_ours as is_ours
    where is_ours and not is_automatic and time_quality != 'heard'
),

active as (
    select
        rep.rep_id as rep_id,
        person.month_on as month_on,
        countIf(person.channel = 'email' and person.direction = 'inbound') as emails_inbound,
        countIf(person.channel = 'email' and person.direction = 'outbound') as emails_outbound,
        countIf(person.channel = 'call') as calls,
        countIf(person.channel = 'meeting') as meetings
    from person
    inner join {{ ref('stg_rep') }} as rep on person.address = lower(rep.email)
    group by rep.rep_id, person.month_on
),

span as (
    select
        min(month_on) as first_on,
        (
            select max(month_on)
            from (
                select {{ month_on(day_on('knowable_at')) }} as month_on
                from {{ ref('stg_opportunity') }}
                union all
                select month_on from active
            )
        ) as last_on
    from closed
    having count() > 0
),

stay as (
    select
        rep.rep_id as rep_id,
        greatest(coalesce(rep.hired_on, span.first_on), span.first_on) as began_on,
        least(coalesce(rep.left_on, span.last_on), span.last_on) as ended_on
    from {{ ref('stg_rep') }} as rep
    cross join span
),

-- Every rep in every month of its tenure, so that a month without a booking is a zero, not a gap.
tenure as (
    select
        rep_id,
        addMonths({{ month_on('assumeNotNull(began_on)') }}, ahead) as month_on
    from stay
    array join range(assumeNotNull(greatest(dateDiff('month', began_on, ended_on) + 1, 0))) as ahead
    where began_on <= ended_on
),

month as (
    select distinct
        place.1 as rep_id,
        place.2 as month_on,
        addMonths(place.2, 1) - 1 as last_day
    from (
        select (rep_id, month_on) as place from tenure
        union all
        select (rep_id, month_on) as place from closed
        union all
        select (rep_id, month_on) as place from active
    )
),

team as (
    select
        child_id,
        parent_id,
        effective_from,
        coalesce(effective_to, toDate32('2299-12-31')) as ends_on
    from {{ ref('stg_assignment') }}
    where parent_kind = 'team'
)

select
    month.rep_id as rep_id,
    month.month_on as month_on,
    {{ base_currency() }} as currency,
    closed.bookings_minor as bookings_minor,
    closed.deals_won as deals_won,
    closed.deals_lost as deals_lost,
    active.emails_inbound as emails_inbound,
    active.emails_outbound as emails_outbound,
    active.calls as calls,
    active.meetings as meetings,
    if(team.ends_on > month.last_day, team.parent_id, '') as team_id
from month
left join closed on month.rep_id = closed.rep_id and month.month_on = closed.month_on
left join active on month.rep_id = active.rep_id and month.month_on = active.month_on
asof left join team on month.rep_id = team.child_id and month.last_day >= team.effective_from
