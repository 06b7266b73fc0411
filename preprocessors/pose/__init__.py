"""Poses as POSE_KEYPOINT: the OpenPose frame dictionaries that ComfyUI's own pose nodes exchange."""
