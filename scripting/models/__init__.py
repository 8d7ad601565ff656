"""The data model: scripts and versions in `script`, runs and events in `execution`, sums over time in `stats`."""

from scripting.models.alerts import Alert, AlertMessage, AlertReceiver, AlertRule
from scripting.models.breaker import Breaker
from scripting.models.cases import Case, CaseChange
from scripting.models.error_groups import ErrorCount, ErrorDelta, ErrorGroup, ErrorTotal, Resolution
from scripting.models.evidence import KnobCurve, RepeatCheck, ReplayJob, ReplayReport
from scripting.models.execution import Attempt, Execution, OutboxEvent, Role
from scripting.models.gate import Evidence, GatePolicy
from scripting.models.git import GitBranch, GitFile
from scripting.models.ids import uuid7
from scripting.models.lone_commits import LoneCommit
from scripting.models.plays import PlayComparison
from scripting.models.receipts import ReceiptLink, ReceiptRoot, SharedDecision
from scripting.models.retention import KeptExecution, RetentionMark
from scripting.models.reviews import Review, ReviewComment, ReviewedChange, ReviewedText, ReviewNote
from scripting.models.rollups import ExecutionStat, StatDelta
from scripting.models.schedules import KnobSchedule
from scripting.models.script import (
    SEGMENTS,
    SHARED,
    Activation,
    BundleHelper,
    BundleKnobs,
    Draft,
    KnobSet,
    Script,
    ScriptVersion,
)
from scripting.models.seen_files import SeenFile
from scripting.models.subscriptions import PlannedSubscription, SubscriptionActivation, SubscriptionSet
from scripting.models.timetables import Schedule, ScheduleRun
from scripting.models.tokens import Action, ApiToken

__all__ = [
    "SEGMENTS",
    "SHARED",
    "Action",
    "Activation",
    "Alert",
    "AlertMessage",
    "AlertReceiver",
    "AlertRule",
    "ApiToken",
    "Attempt",
    "Breaker",
    "BundleHelper",
    "BundleKnobs",
    "Case",
    "CaseChange",
    "Draft",
    "ErrorCount",
    "ErrorDelta",
    "ErrorGroup",
    "ErrorTotal",
    "Evidence",
    "Execution",
    "ExecutionStat",
    "GatePolicy",
    "GitBranch",
    "GitFile",
    "KeptExecution",
    "KnobCurve",
    "KnobSchedule",
    "KnobSet",
    "LoneCommit",
    "OutboxEvent",
    "PlannedSubscription",
    "PlayComparison",
    "ReceiptLink",
    "ReceiptRoot",
    "RepeatCheck",
    "ReplayJob",
    "ReplayReport",
    "Resolution",
    "RetentionMark",
    "Review",
    "ReviewComment",
    "ReviewNote",
    "ReviewedChange",
    "ReviewedText",
    "Role",
    "Schedule",
    "ScheduleRun",
    "Script",
    "ScriptVersion",
    "SeenFile",
    "SharedDecision",
    "StatDelta",
    "SubscriptionActivation",
    "SubscriptionSet",
    "uuid7",
]
