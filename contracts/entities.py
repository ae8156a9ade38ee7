"""What a CRM's export may hold, by the name used on the wire."""

from typing import Final

from contracts.crm_rows import (
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
    LeadRow,
    OpportunityRow,
    OrgUnitRow,
    QuotaRow,
    RepRow,
    StageChangeRow,
)
from contracts.plan_rows import ProposalRow

CRM_ENTITIES: Final[dict[str, type[CrmRow]]] = {
    "account": AccountRow,
    "contact": ContactRow,
    "lead": LeadRow,
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
