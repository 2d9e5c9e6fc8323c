"""Settings: what `config/qareport.yaml` may say, its defaults, and the files that are shipped with qareport."""

from qareport.settings.resources import bundled_calls, bundled_model, default_dir
from qareport.settings.settings import (
    AnalysisSettings,
    AsrSettings,
    AudioSettings,
    CategorySettings,
    DailySettings,
    IngestSettings,
    Locale,
    MailSettings,
    PeriodSettings,
    PrivacySettings,
    ReportSettings,
    RetentionSettings,
    ScoreSettings,
    Settings,
    load,
)

__all__ = [
    "AnalysisSettings",
    "AsrSettings",
    "AudioSettings",
    "CategorySettings",
    "DailySettings",
    "IngestSettings",
    "Locale",
    "MailSettings",
    "PeriodSettings",
    "PrivacySettings",
    "ReportSettings",
    "RetentionSettings",
    "ScoreSettings",
    "Settings",
    "bundled_calls",
    "bundled_model",
    "default_dir",
    "load",
]
