"""What a CRM's export may hold, by the name used on the wire."""

from typing import Final

from contracts.plan_rows import ProposalRow
from contracts.rows import (
    AccountRow,
    AssignmentRow,
    AttendanceRow,
    ContactRoleRow,
    ContactRow,
    CrmRow,
    CurrencyRateRow,
    ExposureRow,
    InvestmentCostRow,
    InvestmentRow,
    OpportunityRow,
    OrgUnitRow,
    QuotaRow,
    RepRow,
    StageChangeRow,
)

CRM_ENTITIES: Final[dict[str, type[CrmRow]]] = {
    "account": AccountRow,
    "contact": ContactRow,
    "opportunity": OpportunityRow,
    "contact_role": ContactRoleRow,
    "stage_change": StageChangeRow,
    "rep": RepRow,
    "org_unit": OrgUnitRow,
    "assignment": AssignmentRow,
    "quota": QuotaRow,
    "currency_rate": CurrencyRateRow,
    "investment": InvestmentRow,
    "investment_cost": InvestmentCostRow,
    "exposure": ExposureRow,
    "attendance": AttendanceRow,
    "proposal": ProposalRow,
}
