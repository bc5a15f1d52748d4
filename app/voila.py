"""Settings for Voila: a page for a class, which shows no code.

They are for ``voila app/app.ipynb --Voila.config_file_paths=app``. To let others in your network
open it: ``make app VOILA_ARGS=--Voila.ip=0.0.0.0``. Voila passes on what is done to widgets and
refuses everything else, so visitors cannot run code.
"""

import logging
import os
import sys
from pathlib import Path

import voila.app

HERE = Path(__file__).parent
sys.path.append(str(HERE))  # at the end: this file is called voila, too

from kernel_socket import CheckedSocket  # noqa: E402  in this folder
from kernels import class_kernels  # noqa: E402
from page_scripts import pack, script_folders, static_files  # noqa: E402

os.environ["JUPYTER_PATH"] = os.pathsep.join(
    [str(HERE), *filter(None, [os.environ.get("JUPYTER_PATH")])]
)
os.environ.setdefault("OMP_NUM_THREADS", "1")  # a core for each visitor, not all cores for all

c.VoilaConfiguration.template = "clipbench"  # in this folder: nothing is fetched from the network
c.VoilaConfiguration.allow_template_override = "NO"
c.VoilaConfiguration.strip_sources = True
c.VoilaConfiguration.show_tracebacks = False
c.VoilaConfiguration.file_allowlist = []  # no files but Voila's own

c.VoilaConfiguration.extension_allowlist = [  # no page loads what only JupyterLab uses
    "@jupyter-widgets/jupyterlab-manager",
    "@voila-dashboards/widgets-manager8",
]

# Voila has settings for neither: the class that hands kernels out, and the files of the page.
voila.app.voila_kernel_manager_factory = class_kernels
voila.app.MultiStaticFileHandler = static_files(
    pack(script_folders(c.VoilaConfiguration.template, c.VoilaConfiguration.extension_allowlist))
)

c.Voila.kernel_websocket_connection_class = CheckedSocket
c.Voila.log_level = "ERROR"  # the last line of the terminal is the address
logging.getLogger("tornado.general").setLevel("ERROR")  # it minds Jupyter's settings of its pings
if os.name == "posix":  # kernels speak through files of this user, unheard by others
    c.Voila.connection_dir_root = "/tmp"  # such a file's name must not be long
    c.KernelManager.transport = "ipc"

# kernels that have loaded the model wait for their visitors,
c.VoilaConfiguration.preheat_kernel = True
c.VoilaConfiguration.default_pool_size = 5  # so many can come at once
# seconds; who came together has a page before the next kernels take the cores
c.VoilaKernelManager.fill_delay = 10.0

# seconds after a visitor has vanished; who closes the page ends it
c.MappingKernelManager.cull_idle_timeout = 300
c.MappingKernelManager.cull_interval = 30
c.MappingKernelManager.cull_connected = False
c.MappingKernelManager.cull_busy = True
c.KernelRestarter.restart_limit = 0  # a second life would know nothing of its page
