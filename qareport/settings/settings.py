"""Settings: the keys of `config/qareport.yaml` with their defaults, and the folders that are shipped with qareport."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from annotated_types import Ge, Gt
from pydantic import AfterValidator, Field, with_config

from qareport.messages import say
from qareport.model import DEFAULT_SILENCE_MS, PersonalKind, Role
from qareport.settings.desk import DeskSettings, ReviewSettings, WebhookSettings
from qareport.settings.engine import EngineSettings
from qareport.settings.ingest import IngestSettings
from qareport.settings.live import AlertSettings, LiveSettings
from qareport.settings.mail import MailSettings
from qareport.settings.notify import NotifySettings
from qareport.settings.understanding import UnderstandingSettings
from qareport.strict_yaml import read_yaml, refusal, validate

Locale = Literal["zh", "en"]


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class AudioSettings:
    """How recordings are read."""

    #: The role on each channel of a stereo recording whose manifest row names none; [] = unknown.
    channel_roles: tuple[Role, ...] = ()
    #: In minutes: longer recordings are refused, with the reason.
    max_duration_minutes: Annotated[int, Ge(1)] = 180


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class AsrSettings:
    """How speech is found and transcribed."""

    #: The voice activity detector: silero, fsmn, or auto: fsmn where it is installed and the model is not the demo
    #: model, else silero.
    vad: Literal["auto", "silero", "fsmn"] = "auto"
    #: Path to FSMN-VAD, or its hub name.
    fsmn_vad: str = "iic/speech_fsmn_vad_zh-cn-16k-common-pytorch"
    #: Path to the speaker embedding model (cam++) that tells two speakers on a single channel apart, or its hub name,
    #: which is used once it has been downloaded.
    speaker_model: str = "iic/speech_campplus_sv_zh-cn_16k-common"
    #: In ms: a pause of this length ends an utterance.
    max_end_silence_ms: Annotated[int, Field(ge=100, le=5000)] = 500
    #: In ms: longer utterances are split at their quietest place.
    max_segment_ms: Annotated[int, Field(ge=1000, le=60_000)] = 15_000
    #: Whether neighbouring utterances of a speaker are joined before recognition (`merge_vad` in FunASR): context makes
    #: it more accurate. Turn it off for live use.
    merge: bool = True
    #: In ms: utterances further apart are not joined.
    merge_gap_ms: Annotated[int, Ge(0)] = 600
    #: In ms: the greatest length of a joined utterance.
    merge_length_ms: Annotated[int, Ge(0)] = 8000
    #: Whether emotion and events are judged sentence by sentence, in a second pass, where an utterance holds several
    #: sentences.
    sentence_emotion: bool = True
    #: The spoken language: zh, yue, en, ja, ko, or auto, which is recognised for each utterance.
    language: str = "auto"
    #: Whether the model adds punctuation and writes numbers as digits (inverse text normalisation).
    use_itn: bool = True
    #: In seconds of audio, padding included: what goes through the model at once on a GPU; on a CPU 30 at most.
    batch_seconds: Annotated[int, Ge(1)] = 1000
    #: Whether a CPU that multiplies in bf16 (AMX) recognises in it: about twice as fast, and a few words may differ.
    #: Other CPUs compute in fp32, whatever this says; GPUs that can compute in bf16 do so in any case.
    cpu_bf16: bool = False


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisSettings:
    """Analysis thresholds."""

    #: In ms: a longer pause is a [SILENCE].
    silence_ms: Annotated[int, Ge(0)] = DEFAULT_SILENCE_MS
    #: In ms: after a question or a problem of the customer, a longer silence is a key moment; a pause of this length
    #: also ends a monologue.
    check_in_ms: Annotated[int, Ge(0)] = 2000
    #: In ms: shorter overlapping speech is a back-channel, not an interruption.
    interruption_ms: Annotated[int, Ge(0)] = 500
    #: From 0 to 1, a score of the model, not a probability: an emotion must reach it to count as an onset.
    emotion_score: Annotated[float, Field(ge=0, le=1)] = 0.5
    #: In ms: a pause of this length after "请稍等" is a hold.
    hold_ms: Annotated[int, Ge(0)] = 5000
    #: Models that understand only the voices they were trained on: of other voices no emotion is claimed.
    limited_models: tuple[str, ...] = ("demo",)


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class CategorySettings:
    """A category of the scorecard."""

    #: Name of the category, as rules give it.
    name: str
    #: The most points that its findings may take away together; none = no limit.
    limit: int | None = None


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreSettings:
    """Score of a call."""

    #: The score of a call before any rule adds or takes away points.
    start: int = 100
    #: The highest score; the lowest is 0.
    total: int = 100
    #: The highest score of a call with a fatal finding.
    fatal_score: int = 0
    #: A call passes with this score or a higher score, and without a fatal finding.
    pass_score: int = 80
    #: Categories in the order in which documents show them; categories that are not listed follow.
    categories: tuple[CategorySettings, ...] = (
        CategorySettings(name="服务态度与流程"),
        CategorySettings(name="流失与投诉"),
        CategorySettings(name="合规与诚信"),
        CategorySettings(name="物流"),
        CategorySettings(name="尺码与质量"),
        CategorySettings(name="退换与退款"),
        CategorySettings(name="价格"),
    )
    #: From 0 to 1: where the speaker of a larger share of the sentences is not known, a call gets no score.
    unknown_speakers: Annotated[float, Field(ge=0, le=1)] = 0.5


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacySettings:
    """Masking of personal data in everything that leaves the store; the store keeps the original."""

    #: Whether personal data is masked; false shows it to everyone who gets a document.
    enabled: bool = True
    #: Kinds that are masked; add `order` and `tracking` to mask numbers of orders and parcels, too.
    kinds: tuple[PersonalKind, ...] = (
        PersonalKind.PHONE,
        PersonalKind.ID_CARD,
        PersonalKind.BANK_CARD,
        PersonalKind.EMAIL,
        PersonalKind.ADDRESS,
        PersonalKind.PLATE,
        PersonalKind.CODE,
        PersonalKind.NAME,
        PersonalKind.ACCOUNT,
        PersonalKind.DOCUMENT,
        PersonalKind.BIRTHDAY,
        PersonalKind.PICKUP_CODE,
    )
    #: Whether the group of the user who runs qareport may read what it writes; others never may.
    group_readable: bool = False


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSettings:
    """Contents of documents."""

    #: The most key moments on the first page.
    key_moments: int = 5
    #: Name of the organisation in the page header; "" = none.
    organisation: str = ""
    #: Language of documents and mails: zh or en; advice and titles of rules are in the language of the rules.
    locale: Locale = "zh"
    #: Whether PDF files are archives (PDF/A-3a) with their report attached as JSON; they are somewhat larger.
    pdf_archive: bool = False
    #: Whether HTML pages contain the recordings, for listening; masked personal data is covered by a tone.
    audio: bool = False
    #: In minutes: the most recorded time in a page; 60 minutes take about 14 MB.
    audio_minutes: Annotated[int, Ge(1)] = 60

    def over(self, *, locale: Locale | None = None, audio: bool | None = None) -> ReportSettings:
        """Return these settings with the given values in place of their own; None leaves a value as it is."""
        chosen = self if locale is None else replace(self, locale=locale)
        return chosen if audio is None else replace(chosen, audio=audio)


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise refusal("time_zone", say("a time zone such as Asia/Shanghai")) from error
    return name


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodSettings:
    """Daily, weekly and monthly reports."""

    #: IANA name of the time zone whose midnight separates days; also of times without a zone in manifests and names.
    time_zone: Annotated[str, AfterValidator(_known_zone)] = "Asia/Shanghai"
    #: Days before a day with whose mean it is compared.
    baseline_days: Annotated[int, Ge(1)] = 7
    #: Weeks before a week with whose mean it is compared.
    baseline_weeks: Annotated[int, Ge(1)] = 4
    #: Months before a month with whose mean it is compared.
    baseline_months: Annotated[int, Ge(1)] = 3
    #: In days: a call about an order that was called about within this time before is a repeated call.
    repeat_days: Annotated[int, Ge(1)] = 7
    #: Rates over fewer calls are marked as a small sample: they may be chance.
    small_n: Annotated[int, Ge(1)] = 10
    #: In standard errors: an agent whose mean score is this far from the team's is an outlier.
    outlier_sigma: Annotated[float, Gt(0)] = 2.0
    #: A customer whose reasons together weigh this much or more is to be called back.
    callback_threshold: float = 50
    #: The most customers to call back that a document lists; the workbook lists all of them.
    callbacks: Annotated[int, Ge(0)] = 20
    #: The most weak links that are listed.
    weak_links: Annotated[int, Ge(0)] = 3
    #: The most rows of a table in a document; the workbook has them all.
    table_rows: Annotated[int, Ge(1)] = 50


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class DailySettings:
    """Input and output of `qareport daily`. Paths are relative to the folder in which it is started."""

    #: Files, folders and URLs that are searched for new recordings; {date} is the day as 2026-11-21, {day} as 20261121;
    #: [] = none.
    sources: tuple[str, ...] = ()
    #: Manifest of the recordings, with {date} and {day} as in `sources`; "" = none.
    manifest: str = ""
    #: Folder of the documents: daily reports are in `daily/`, reports of orders in `reports/`.
    out: str = "out"
    #: The number of customers to call back whose order reports are prepared.
    orders: Annotated[int, Field(ge=0)] = 10
    #: The most days up to yesterday that are caught up on if they were not finished.
    catch_up_days: Annotated[int, Field(ge=0, le=60)] = 7


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionSettings:
    """Retention of calls in the store; `qareport store retain` deletes older calls."""

    #: In days from the start of a call; none = for ever.
    days: Annotated[int, Field(ge=1)] | None = None
    #: In days: lines of the audit log are kept so long.
    audit_days: Annotated[int, Field(ge=30)] = 1095


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All sections of `qareport.yaml`."""

    audio: AudioSettings = field(default_factory=AudioSettings)
    asr: AsrSettings = field(default_factory=AsrSettings)
    engine: EngineSettings = field(default_factory=EngineSettings)
    understanding: UnderstandingSettings = field(default_factory=UnderstandingSettings)
    analysis: AnalysisSettings = field(default_factory=AnalysisSettings)
    score: ScoreSettings = field(default_factory=ScoreSettings)
    privacy: PrivacySettings = field(default_factory=PrivacySettings)
    report: ReportSettings = field(default_factory=ReportSettings)
    period: PeriodSettings = field(default_factory=PeriodSettings)
    ingest: IngestSettings = field(default_factory=IngestSettings)
    daily: DailySettings = field(default_factory=DailySettings)
    mail: MailSettings = field(default_factory=MailSettings)
    notify: NotifySettings = field(default_factory=NotifySettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    desk: DeskSettings = field(default_factory=DeskSettings)
    review: ReviewSettings = field(default_factory=ReviewSettings)
    webhooks: WebhookSettings = field(default_factory=WebhookSettings)
    live: LiveSettings = field(default_factory=LiveSettings)
    alerts: AlertSettings = field(default_factory=AlertSettings)


def load(config_dir: Path) -> Settings:
    """Read `qareport.yaml` of a configuration folder; a folder without one gives the defaults.

    Raises:
        ConfigError: every problem in the file, with line and column.
    """
    path = config_dir / "qareport.yaml"
    if not path.exists():
        return Settings()
    return validate(Settings, read_yaml(path))
