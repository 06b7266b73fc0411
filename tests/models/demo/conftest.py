"""These tests run as the host runs its nodes."""

from armature_pack.tests.inference_mode import inference_mode  # noqa: F401
