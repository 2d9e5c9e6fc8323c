"""Find recordings in files, folders and fsspec URLs, with the metadata of a manifest or of their names.

`manifest` defines what a manifest may hold, `qareport.settings.name_pattern` how names are read.
"""

from qareport.audio.containers import AUDIO_SUFFIXES
from qareport.ingest.find import Ingest, find_calls
from qareport.ingest.manifest import read_manifest

__all__ = ["AUDIO_SUFFIXES", "Ingest", "find_calls", "read_manifest"]
