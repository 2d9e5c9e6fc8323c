"""Settings: the keys of `config/qareport.yaml` with their defaults, and the files that are shipped with qareport."""

from qareport.settings.agents import load_agents
from qareport.settings.bundled import bundled_calls, bundled_model, bundled_patterns, bundled_reader, default_dir
from qareport.settings.desk import DeskSettings, ReviewSettings, WebhookSettings
from qareport.settings.engine import HERE, EngineSettings, expected_place, is_place
from qareport.settings.ingest import IngestSettings
from qareport.settings.live import AlertSettings, LiveSettings, RouteSettings
from qareport.settings.mail import MailSettings
from qareport.settings.notify import NotifySettings, RobotSettings
from qareport.settings.oidc import OidcSettings
from qareport.settings.settings import (
    AnalysisSettings,
    AsrSettings,
    AudioSettings,
    CategorySettings,
    DailySettings,
    Locale,
    PeriodSettings,
    PrivacySettings,
    ReportSettings,
    RetentionSettings,
    ScoreSettings,
    Settings,
    load,
)
from qareport.settings.teams import TeamEntry, load_teams
from qareport.settings.understanding import LanguageModelSettings, UnderstandingSettings

__all__ = [
    "HERE",
    "AlertSettings",
    "AnalysisSettings",
    "AsrSettings",
    "AudioSettings",
    "CategorySettings",
    "DailySettings",
    "DeskSettings",
    "EngineSettings",
    "IngestSettings",
    "LanguageModelSettings",
    "LiveSettings",
    "Locale",
    "MailSettings",
    "NotifySettings",
    "OidcSettings",
    "PeriodSettings",
    "PrivacySettings",
    "ReportSettings",
    "RetentionSettings",
    "ReviewSettings",
    "RobotSettings",
    "RouteSettings",
    "ScoreSettings",
    "Settings",
    "TeamEntry",
    "UnderstandingSettings",
    "WebhookSettings",
    "bundled_calls",
    "bundled_model",
    "bundled_patterns",
    "bundled_reader",
    "default_dir",
    "expected_place",
    "is_place",
    "load",
    "load_agents",
    "load_teams",
]
