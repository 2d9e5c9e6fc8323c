"""The kinds of condition. A new kind without conditions inside is one class here and in `LEAVES`, and nothing else."""

from qareport.rules.conditions.base import Condition, LeafForm
from qareport.rules.conditions.emotion import EmotionForm
from qareport.rules.conditions.event import EventForm
from qareport.rules.conditions.exchange import LastSpeakerForm, RepeatsForm, ResponseDelayForm
from qareport.rules.conditions.facts import (
    CallLengthForm,
    EarlierCallsForm,
    SpeechCountForm,
    StageForm,
    TimeOfDayForm,
    TopicForm,
    WeekdayForm,
)
from qareport.rules.conditions.interruption import InterruptionForm
from qareport.rules.conditions.metric import MetricForm, TrendForm
from qareport.rules.conditions.moment import MomentForm
from qareport.rules.conditions.says import SaysForm
from qareport.rules.conditions.silence import SilenceForm
from qareport.rules.conditions.voice import LoudnessForm, SpeedForm

_FORMS: tuple[type[LeafForm], ...] = (
    SaysForm, EmotionForm, EventForm, SilenceForm, InterruptionForm, MomentForm, TopicForm, StageForm, SpeedForm,
    LoudnessForm, ResponseDelayForm, RepeatsForm, LastSpeakerForm, CallLengthForm, SpeechCountForm, MetricForm,
    TrendForm, TimeOfDayForm, WeekdayForm, EarlierCallsForm,
)  # fmt: skip
#: How each kind is written, by the key that introduces it.
LEAVES: dict[str, type[LeafForm]] = {head: form for form in _FORMS for head in form.heads}

__all__ = ["LEAVES", "Condition", "LeafForm"]
