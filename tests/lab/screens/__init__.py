"""The story of issue 3 on real hosts: what a person sees, and what no fault may break."""

import pytest

pytest.register_assert_rewrite("tests.lab.story.ending", "tests.lab.story.operators", "tests.lab.story.world")
