{{ current_record(
    source('raw', 'attendance'),
    ['investment_id', 'learner_email', 'course', 'completed_on']
) }}
