"""Settings: what `config/qareport.yaml` may say, with its defaults. Frozen once read; secrets never stand here.

Each field's default is the product's default; the comment says what it does and in which unit. `load` reads the file
and reports every problem in it at once, with line and column.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from annotated_types import Ge, Gt
from pydantic import AfterValidator, Field, with_config

from qareport.model import PersonalKind, Role
from qareport.settings.name_pattern import NamePattern
from qareport.settings.validators import Address, MailName
from qareport.strict_yaml import read_yaml, validate

Locale = Literal["zh", "en"]


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class AudioSettings:
    """How recordings are read."""

    #: The role on each channel of a stereo recording when the manifest does not say; [] = unknown.
    channel_roles: tuple[Role, ...] = ()
    #: Recordings longer than this are refused with a reason.
    max_duration_minutes: Annotated[int, Ge(1)] = 180


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class AsrSettings:
    """How speech is found and transcribed."""

    #: What finds speech: silero, fsmn, or auto: fsmn where it stands on this machine and the model is not the demo one.
    vad: Literal["auto", "silero", "fsmn"] = "auto"
    #: Where FSMN-VAD stands: a directory or a hub name.
    fsmn_vad: str = "iic/speech_fsmn_vad_zh-cn-16k-common-pytorch"
    #: Where a voice model (cam++) stands that tells two speakers on one channel apart: a directory, or a hub name,
    #: which is used where it has been downloaded.
    voices: str = "iic/speech_campplus_sv_zh-cn_16k-common"
    #: A pause of this length ends an utterance.
    max_end_silence_ms: Annotated[int, Field(ge=100, le=5000)] = 500
    #: Utterances longer than this are cut at their quietest place.
    max_segment_ms: Annotated[int, Field(ge=1000, le=60_000)] = 15_000
    #: Join neighbouring utterances of one speaker before recognition: words are heard better in context. Not live.
    merge: bool = True
    #: Utterances further apart are not joined.
    merge_gap_ms: Annotated[int, Ge(0)] = 600
    #: Utterances are not joined into one longer than this.
    merge_length_ms: Annotated[int, Ge(0)] = 8000
    #: Judge emotion and events sentence by sentence, in a second pass, where an utterance holds several sentences.
    sentence_emotion: bool = True
    #: auto, or one of zh, yue, en, ja, ko.
    language: str = "auto"
    #: Punctuation and written numbers, as the model makes them.
    use_itn: bool = True
    #: Padded audio seconds that go through the model at once on a GPU; on a CPU 30 at most.
    batch_seconds: Annotated[int, Ge(1)] = 1000


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisSettings:
    """What counts as what."""

    #: A pause longer than this is a [SILENCE].
    silence_ms: Annotated[int, Ge(0)] = 1200
    #: After this long a silence the agent should have checked in.
    check_in_ms: Annotated[int, Ge(0)] = 2000
    #: Overlapping speech shorter than this is a back-channel, not an interruption.
    interruption_ms: Annotated[int, Ge(0)] = 500
    #: An emotion must reach this score to count as an onset.
    emotion_score: Annotated[float, Field(ge=0, le=1)] = 0.5
    #: A pause of this length after "请稍等" is a hold.
    hold_ms: Annotated[int, Ge(0)] = 5000
    #: Models that understand only the voices they were made with: outside that domain no emotion is claimed.
    limited_models: tuple[str, ...] = ("demo",)


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class CategorySettings:
    """A category of the scorecard."""

    name: str
    #: The most points that its findings may take away together; none = no limit.
    limit: int | None = None


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreSettings:
    """How findings become a score and a risk."""

    start: int = 100
    #: The score never leaves 0 … total.
    total: int = 100
    #: The score of a call with a fatal finding is no higher than this.
    fatal_score: int = 0
    #: A call passes with this score or a higher one, and without a fatal finding.
    pass_score: int = 80
    #: Categories in the order in which documents show them; others follow.
    categories: tuple[CategorySettings, ...] = (
        CategorySettings(name="服务态度与流程"),
        CategorySettings(name="流失与投诉"),
        CategorySettings(name="物流"),
        CategorySettings(name="尺码与质量"),
        CategorySettings(name="退换与退款"),
        CategorySettings(name="价格"),
    )
    #: Below this score, or with a critical finding, a call is of high risk.
    high_risk_below: int = 70
    medium_risk_below: int = 90


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacySettings:
    """What is masked in everything that leaves the store; the store keeps the original."""

    #: False shows everything to everyone who gets a document.
    enabled: bool = True
    #: Kinds that are masked; `order` hides order numbers that are said, too.
    kinds: tuple[PersonalKind, ...] = (
        PersonalKind.PHONE,
        PersonalKind.ID_CARD,
        PersonalKind.BANK_CARD,
        PersonalKind.EMAIL,
        PersonalKind.ADDRESS,
        PersonalKind.PLATE,
        PersonalKind.CODE,
    )


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSettings:
    """What documents show."""

    #: How many key moments the first page carries.
    key_moments: int = 5
    organisation: str = ""
    #: Language of documents and mails; advice and titles of rules are in the language of the rules.
    locale: Locale = "zh"
    #: PDF files are archives (PDF/A-3a) that carry their report as JSON.
    pdf_archive: bool = False
    #: HTML pages carry the calls' sound, so that who gets one can listen; masked personal data is covered by a tone.
    audio: bool = False
    #: At most so many minutes of recordings in one page: 60 take some 14 MB.
    audio_minutes: Annotated[int, Ge(1)] = 60

    def over(self, *, locale: Locale | None = None, audio: bool | None = None) -> ReportSettings:
        """Return these settings with what was asked for in the place of what they say; None leaves it as it is."""
        chosen = self if locale is None else replace(self, locale=locale)
        return chosen if audio is None else replace(chosen, audio=audio)


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("no such time zone; write one like Asia/Shanghai") from error
    return name


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodSettings:
    """How days, weeks and months are added up."""

    #: IANA name of the time zone whose midnight parts the days.
    time_zone: Annotated[str, AfterValidator(_known_zone)] = "Asia/Shanghai"
    #: A day is compared with the mean of this many days before it; weeks and months with as many of their kind.
    baseline_days: Annotated[int, Ge(1)] = 7
    baseline_weeks: Annotated[int, Ge(1)] = 4
    baseline_months: Annotated[int, Ge(1)] = 3
    #: Rates over fewer calls are marked: chance may have made them.
    small_n: Annotated[int, Ge(1)] = 10
    #: An agent whose mean score lies this many standard errors from the team's is an outlier.
    outlier_sigma: Annotated[float, Gt(0)] = 2.0
    #: A customer whose reasons weigh this much or more is to be called back (docs/daily-report.md has the weights).
    callback_threshold: float = 50
    #: How many customers to call back are listed, and how many weak links.
    callbacks: Annotated[int, Ge(0)] = 20
    weak_links: Annotated[int, Ge(0)] = 3
    #: How many rows a table of a document carries before it says "and N more"; JSON carries all.
    table_rows: Annotated[int, Ge(1)] = 50


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class IngestSettings:
    """How recordings are found, and what their names say."""

    #: What names say of calls without a manifest row; "" = nothing (see `name_pattern`).
    name_pattern: NamePattern = ""
    #: A file that was written to within so many seconds is watched for as long; one that changes is left for later.
    settle_s: Annotated[float, Field(ge=0, le=600)] = 10.0


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class DailySettings:
    """What `qareport daily` works on. Paths are relative to the folder that it is started in."""

    #: Files, folders and URLs that are searched for new recordings; {date} is the day as 2026-11-21, {day} as 20261121.
    sources: tuple[str, ...] = ()
    #: Manifest of the recordings; "" = none. {date} and {day} as above.
    manifest: str = ""
    #: Where documents go: `daily/` for the day's own, `reports/` for orders.
    out: str = "out"
    #: Of how many customers to call back the order's report is made ready.
    orders: Annotated[int, Field(ge=0)] = 10
    #: Days up to yesterday that are made up for when they were never finished.
    catch_up_days: Annotated[int, Field(ge=0, le=60)] = 7


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class MailSettings:
    """How mail is sent, and who gets which edition. The password is never among settings."""

    #: "" = mail is not set up.
    host: str = ""
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    #: none sends in the clear, and is refused with a user name unless the server is this machine.
    security: Literal["starttls", "ssl", "none"] = "starttls"
    #: Certificates to trust beside the system's; "" = the system's alone.
    ca_file: str = ""
    #: "" = no log-in.
    user: str = ""
    #: File that holds the password and only its owner may read; the variable QAREPORT_SMTP_PASSWORD comes first.
    password_file: str = ""
    #: The From header: an address, or `name <address>`.
    sender: MailName = ""
    reply_to: MailName = ""
    #: A template in Jinja's sandbox: organisation, title, period, headline, agent.
    subject: str = "{{ organisation }}{{ title }} {{ period }}：{{ headline }}"
    #: Who gets the team's edition.
    team: tuple[Address, ...] = ()
    #: Who hears of failures.
    operator: tuple[Address, ...] = ()
    #: Agent id to address: who gets an edition of nothing but the own calls.
    agents: Mapping[str, Address] = field(default_factory=dict)
    attach: tuple[Literal["docx", "pdf", "html"], ...] = ("docx", "pdf")
    attach_agents: tuple[Literal["docx", "pdf", "html"], ...] = ("docx",)
    #: A larger mail is sent with one zip instead, and if that is too large with a link.
    max_megabytes: Annotated[float, Field(gt=0, le=100)] = 20.0
    #: Address of the `out` folder for readers of mail (https://… or \\\\server\\share); "" = the path on the server.
    link: str = ""
    #: Where a request to stop is sent; "" = reply_to, else sender.
    unsubscribe: MailName = ""
    #: A server that answers nothing for so long counts as gone.
    timeout_s: Annotated[float, Field(gt=0, le=600)] = 60.0
    #: Waits between tries while a run goes on; later runs try again until `give_up_hours` have passed.
    retry_s: tuple[Annotated[float, Field(ge=0, le=3600)], ...] = (60.0, 300.0, 900.0)
    give_up_hours: Annotated[float, Field(gt=0)] = 48.0


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionSettings:
    """How long the store keeps calls; `qareport store retain` deletes older ones."""

    #: Days from the start of a call; None = for ever.
    days: Annotated[int, Field(ge=1)] | None = None


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All of `qareport.yaml`."""

    audio: AudioSettings = field(default_factory=AudioSettings)
    asr: AsrSettings = field(default_factory=AsrSettings)
    analysis: AnalysisSettings = field(default_factory=AnalysisSettings)
    score: ScoreSettings = field(default_factory=ScoreSettings)
    privacy: PrivacySettings = field(default_factory=PrivacySettings)
    report: ReportSettings = field(default_factory=ReportSettings)
    period: PeriodSettings = field(default_factory=PeriodSettings)
    ingest: IngestSettings = field(default_factory=IngestSettings)
    daily: DailySettings = field(default_factory=DailySettings)
    mail: MailSettings = field(default_factory=MailSettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)


def load(config_dir: Path) -> Settings:
    """Read `qareport.yaml` of a configuration folder; a folder without one gives the defaults.

    Raises:
        ConfigError: everything wrong in the file, with line and column.
    """
    path = config_dir / "qareport.yaml"
    if not path.exists():
        return Settings()
    return validate(Settings, read_yaml(path))
