"""Settings: the keys of `config/qareport.yaml` with their defaults, and the folders that are shipped with qareport."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from annotated_types import Ge, Gt
from pydantic import AfterValidator, Field, with_config
from pydantic_core import PydanticCustomError

from qareport.model import DEFAULT_SILENCE_MS, PersonalKind, Role
from qareport.settings.desk import DeskSettings, ReviewSettings
from qareport.settings.ingest import IngestSettings
from qareport.settings.understanding import UnderstandingSettings
from qareport.strict_yaml import read_yaml, validate

#: What every mail server accepts: ASCII, a single @, a domain of labels. Internationalised local parts need SMTPUTF8.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def is_address(text: str) -> bool:
    """Tell whether a text is a single plain mail address."""
    return _ADDRESS.match(text) is not None and ".." not in text


def _address(text: str) -> str:
    if not is_address(text):
        raise PydanticCustomError("mail_address", "Value should be a mail address such as li.lei@example.com")
    return text


def _mail_name(text: str) -> str:
    if text and (_CONTROL.search(text) or not is_address(parseaddr(text)[1])):
        raise PydanticCustomError(
            "mail_name", "Value should be a mail address, or a name with one: 质检 <quality@example.com>"
        )
    return text


#: `li.lei@example.com`
Address = Annotated[str, AfterValidator(_address)]
#: `li.lei@example.com`, `质检 <quality@example.com>` or nothing.
MailName = Annotated[str, AfterValidator(_mail_name)]


Locale = Literal["zh", "en"]


def N_(text: str) -> str:  # noqa: N802 - gettext's name for it
    """Mark a default for the catalogues of translations, which cannot be imported here."""
    return text


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
        raise ValueError("no such time zone; write one like Asia/Shanghai") from error
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
    #: Rates over fewer calls are marked as a small sample: they may be chance.
    small_n: Annotated[int, Ge(1)] = 10
    #: In standard errors: an agent whose mean score is this far from the team's is an outlier.
    outlier_sigma: Annotated[float, Gt(0)] = 2.0
    #: A customer whose reasons together weigh this much or more is to be called back.
    callback_threshold: float = 50
    #: The most customers to call back that are listed; the number of the others is given.
    callbacks: Annotated[int, Ge(0)] = 20
    #: The most weak links that are listed.
    weak_links: Annotated[int, Ge(0)] = 3
    #: The most rows of a table in a document; the number of the others is given. JSON has them all.
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
class MailSettings:
    """Mail server, and recipients of each edition. The password is never among settings."""

    #: Mail server; "" = no mail is sent.
    host: str = ""
    #: Port of the server: usually 587 for starttls, 465 for ssl.
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    #: Encryption: starttls, ssl or none. none sends in the clear, and is refused with a user name unless the server is
    #: this machine.
    security: Literal["starttls", "ssl", "none"] = "starttls"
    #: File of certificates (PEM) that are trusted beside the system's; "" = the system's alone.
    ca_file: str = ""
    #: User name; "" = no authentication.
    user: str = ""
    #: File with the password, readable by its owner alone; the variable QAREPORT_SMTP_PASSWORD comes first; "" = none.
    password_file: str = ""
    #: The From header: an address, or `name <address>`; required once `host` is set.
    sender: MailName = ""
    #: The Reply-To header; "" = none, replies go to the sender.
    reply_to: MailName = ""
    #: The subject, a sandboxed Jinja template with organisation, title, period, headline and agent. The default is
    #: translated to the language of the mail.
    subject: str = N_("{{ organisation }}{{ title }} {{ period }}：{{ headline }}")
    #: Recipients of the team's edition.
    team: tuple[Address, ...] = ()
    #: Recipients of failure notices.
    operator: tuple[Address, ...] = ()
    #: Agent id to address: recipients of an edition that contains nothing but their own calls.
    agents: Mapping[str, Address] = field(default_factory=dict)
    #: Formats attached to the team's edition: docx, pdf, html.
    attach: tuple[Literal["docx", "pdf", "html"], ...] = ("docx", "pdf")
    #: Formats attached to the agents' editions.
    attach_agents: tuple[Literal["docx", "pdf", "html"], ...] = ("docx",)
    #: In MB: attachments of a larger mail are sent as a single zip, and replaced by a link if that is too large.
    max_megabytes: Annotated[float, Field(gt=0, le=100)] = 20.0
    #: Address of the `daily.out` folder for recipients (`https://…` or `\\server\share`); "" = its path on the server.
    link: str = ""
    #: Address for requests to unsubscribe; "" = reply_to, else sender.
    unsubscribe: MailName = ""
    #: In seconds: a server that does not answer within this time counts as disconnected.
    timeout_s: Annotated[float, Field(gt=0, le=600)] = 60.0
    #: In seconds: waits between attempts within a run; later runs try again.
    retry_s: tuple[Annotated[float, Field(ge=0, le=3600)], ...] = (60.0, 300.0, 900.0)
    #: In hours: a mail that could not be sent within this time is given up, and the operator is told.
    give_up_hours: Annotated[float, Field(gt=0)] = 48.0


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
    understanding: UnderstandingSettings = field(default_factory=UnderstandingSettings)
    analysis: AnalysisSettings = field(default_factory=AnalysisSettings)
    score: ScoreSettings = field(default_factory=ScoreSettings)
    privacy: PrivacySettings = field(default_factory=PrivacySettings)
    report: ReportSettings = field(default_factory=ReportSettings)
    period: PeriodSettings = field(default_factory=PeriodSettings)
    ingest: IngestSettings = field(default_factory=IngestSettings)
    daily: DailySettings = field(default_factory=DailySettings)
    mail: MailSettings = field(default_factory=MailSettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    desk: DeskSettings = field(default_factory=DeskSettings)
    review: ReviewSettings = field(default_factory=ReviewSettings)


def load(config_dir: Path) -> Settings:
    """Read `qareport.yaml` of a configuration folder; a folder without one gives the defaults.

    Raises:
        ConfigError: every problem in the file, with line and column.
    """
    path = config_dir / "qareport.yaml"
    if not path.exists():
        return Settings()
    return validate(Settings, read_yaml(path))
