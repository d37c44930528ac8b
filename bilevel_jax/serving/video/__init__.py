"""Videos: two files or folders of pictures in, one fused video out."""

from bilevel_jax.serving.video.containers import CONTAINERS, containers_table
from bilevel_jax.serving.video.fuse_video import fuse_video
from bilevel_jax.serving.video.fused_frames import FusedFrame, FusedVideo, VideoOptions, fused_frames, open_videos
from bilevel_jax.serving.video.sources import is_video_name, open_sources

__all__ = [
    "CONTAINERS", "FusedFrame", "FusedVideo", "VideoOptions", "containers_table", "fuse_video", "fused_frames",
    "is_video_name", "open_sources", "open_videos",
]  # fmt: skip
