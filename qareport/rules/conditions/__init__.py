"""The kinds of condition. A new kind without conditions inside is a class in a module here, listed in `LEAVES`.

The docstring of each module is the documentation of its kinds: `qareport.rules.conditions_reference` renders it.
"""

from qareport.rules.conditions.call_size import CallLengthForm, SpeechCountForm
from qareport.rules.conditions.does import AgentDoesForm, CustomerDoesForm
from qareport.rules.conditions.emotion import EmotionForm
from qareport.rules.conditions.event import EventForm
from qareport.rules.conditions.exchange import LastSpeakerForm, RepeatsForm, ResponseDelayForm
from qareport.rules.conditions.interruption import InterruptionForm
from qareport.rules.conditions.metric import MetricForm, TrendForm
from qareport.rules.conditions.moment import MomentForm, PromiseForm, TopicForm
from qareport.rules.conditions.order import AgentForm, EarlierCallsForm, StageForm
from qareport.rules.conditions.says import SaysForm
from qareport.rules.conditions.silence import SilenceForm
from qareport.rules.conditions.start_time import TimeOfDayForm, WeekdayForm
from qareport.rules.conditions.voice import LoudnessForm, SpeedForm
from qareport.rules.match_context import Condition, LeafForm

_FORMS: tuple[type[LeafForm], ...] = (
    SaysForm, CustomerDoesForm, AgentDoesForm, EmotionForm, EventForm, SilenceForm, InterruptionForm, MomentForm,
    TopicForm, PromiseForm, StageForm, SpeedForm, LoudnessForm, ResponseDelayForm, RepeatsForm, LastSpeakerForm,
    CallLengthForm, SpeechCountForm, MetricForm, TrendForm, TimeOfDayForm, WeekdayForm, EarlierCallsForm, AgentForm,
)  # fmt: skip
#: The form of each kind by the key that introduces it.
LEAVES: dict[str, type[LeafForm]] = {head: form for form in _FORMS for head in form.heads}

__all__ = ["LEAVES", "Condition", "LeafForm"]
