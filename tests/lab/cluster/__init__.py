"""The story of issue 4 on real hosts: guests and three etcd members, made once and then broken in every way."""

import pytest

pytest.register_assert_rewrite("tests.lab.cluster.site", "tests.lab.story.operators")
