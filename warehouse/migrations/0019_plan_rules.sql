-- The rules that a person set last for the next plan, as JSON; empty for those of the settings.
CREATE OR REPLACE VIEW live.plan_rules AS
SELECT value, actor, reason, issued_at
FROM raw.command FINAL
WHERE kind = 'set_plan_rules' AND outcome = 'done'
ORDER BY issued_at DESC, idempotency_key DESC
LIMIT 1;
