"""Find recordings in files, folders and fsspec URLs, with the metadata of a manifest or of their names.

`manifest` defines what a manifest may hold, `qareport.settings.name_pattern` how names are read.
"""

from qareport.audio.containers import AUDIO_SUFFIXES
from qareport.ingest.find import find_calls
from qareport.ingest.manifest import Manifest, ManifestRow, read_manifest
from qareport.ingest.matching import Ingest

__all__ = ["AUDIO_SUFFIXES", "Ingest", "Manifest", "ManifestRow", "find_calls", "read_manifest"]
