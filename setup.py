"""Which folders are packages: every package below clipbench/; widgets/ under the name clipbench_widgets; and the
records of experiments/, which hold no code, as clipbench_records.

Everything else is in pyproject.toml, where a rename and a search for packages cannot stand together.
"""

from setuptools import find_packages, setup

setup(
    packages=[
        *find_packages(include=["clipbench", "clipbench.*"]),
        "clipbench_widgets",
        *(f"clipbench_widgets.{name}" for name in find_packages("widgets")),
        "clipbench_records",
    ],
    package_dir={"clipbench_widgets": "widgets", "clipbench_records": "experiments/records"},
)
