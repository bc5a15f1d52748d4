"""Settings for ``voila app/app.ipynb --Voila.config_file_paths=app``: a page for a class, which
shows no code.

To let others in your network open it: ``make app VOILA_ARGS=--Voila.ip=0.0.0.0``. Voila passes on
what is done to widgets and refuses everything else, so visitors cannot run code.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from kernel_socket import CheckedSocket  # noqa: E402  in this folder

os.environ["JUPYTER_PATH"] = os.pathsep.join(
    [str(HERE), *filter(None, [os.environ.get("JUPYTER_PATH")])]
)
os.environ.setdefault("OMP_NUM_THREADS", "1")  # a core for each visitor, not all cores for all

c.VoilaConfiguration.template = "clipbench"  # in this folder: nothing is fetched from the network
c.VoilaConfiguration.allow_template_override = "NO"
c.VoilaConfiguration.strip_sources = True
c.VoilaConfiguration.show_tracebacks = False
c.VoilaConfiguration.file_allowlist = []  # no files but Voila's own

c.Voila.kernel_websocket_connection_class = CheckedSocket

# kernels that have loaded the model wait for their visitors,
c.VoilaConfiguration.preheat_kernel = True
c.VoilaConfiguration.default_pool_size = 5  # so many can come at once; each takes 0.5 GB
# seconds; who came together has a page before the next kernels take the cores
c.VoilaKernelManager.fill_delay = 10.0

# seconds after a visitor has vanished; who closes the page ends it
c.MappingKernelManager.cull_idle_timeout = 300
c.MappingKernelManager.cull_interval = 30
c.MappingKernelManager.cull_connected = False
c.MappingKernelManager.cull_busy = True
