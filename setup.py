"""Which folders are packages: every package below clipbench/, and widgets/ under the name clipbench_widgets.

Everything else is in pyproject.toml, where a rename and a search for packages cannot stand together.
"""

from setuptools import find_packages, setup

setup(
    packages=[
        *find_packages(include=["clipbench", "clipbench.*"]),
        "clipbench_widgets",
        *(f"clipbench_widgets.{name}" for name in find_packages("widgets")),
    ],
    package_dir={"clipbench_widgets": "widgets"},
)
