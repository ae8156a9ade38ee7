-- What was told of as an exposure, and what the learning system tells of: whoever completed a course
-- is reached from that day on, known by any e-mail address that the CRM ever gave the rep.
with told as (
    {{ current_record(
        source('raw', 'exposure'),
        ['investment_id', 'unit_kind', 'unit_id', 'starts_on']
    ) }}
),

known as (
    select
        lower(email) as email,
        argMax(rep_id, knowable_at) as rep_id
    from {{ source('raw', 'rep') }} final
    where email != '' and not is_deleted
    group by email
),

-- Hours are a dose only where all completions of an investment tell them; their mean is 1.
attended as (
    select
        attendance.investment_id as investment_id,
        known.rep_id as unit_id,
        min(attendance.completed_on) as starts_on,
        sum(attendance.hours) as hours,
        countIf(attendance.hours is null) as untold,
        any(attendance.source) as source,
        max(attendance.knowable_at) as knowable_at
    from {{ ref('stg_attendance') }} as attendance
    inner join known on attendance.learner_email = known.email
    group by investment_id, unit_id
)

select
    investment_id,
    unit_kind,
    unit_id,
    starts_on,
    stops_on,
    dose,
    source,
    knowable_at
from told
union all
select
    investment_id,
    'rep' as unit_kind,
    unit_id,
    starts_on,
    null as stops_on,
    if(
        max(untold) over investment = 0 and min(hours) over investment > 0,
        assumeNotNull(hours / avg(hours) over investment),
        1.
    ) as dose,
    source,
    knowable_at
from attended
window investment as (partition by investment_id)
