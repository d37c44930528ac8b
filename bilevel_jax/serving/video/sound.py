"""Copies the sound of a video file into another one, in step with the pictures."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bilevel_jax.serving.video.av_package import load_av


class Sound:
    """The sound of a file, copied packet by packet; encoded anew where the other kind of file cannot hold it.

    A context manager, which closes the file that is read.

    Args:
        output: PyAV's output, before anything was written to it.
        source: the file whose sound is copied; None = none.

    Attributes:
        notes: what a user should know, whole sentences.
    """

    def __init__(self, output: Any, source: Path | None):
        self._output, self._source = output, source
        self.notes: list[str] = []
        self._input: Any = None
        self._streams: dict[int, tuple[Any, bool]] = {}  # of the input: that of the output, whether it is encoded anew
        self._packets: Iterator[Any] = iter(())
        self._waiting: Any = None
        self._first_picture, self._start = 0.0, 0.0

    def start(self, time: float) -> None:
        """Prepares the streams. The sound before `time`, in seconds since the first visible frame, is left out."""
        if self._source is None:
            return
        self._input = load_av().open(str(self._source))
        picture = self._input.streams.video[0]
        self._first_picture = float((picture.start_time or 0) * picture.time_base)
        self._start = self._first_picture + time
        for stream in self._input.streams.audio:
            self._add(stream)
        if self._streams:
            chosen = [stream for stream in self._input.streams.audio if stream.index in self._streams]
            self._packets = self._input.demux(*chosen)

    def copy_until(self, time: float) -> None:
        """Copies the sound up to `time`, in seconds since the first visible frame."""
        until = self._first_picture + time
        while True:
            packet = self._waiting or next(self._packets, None)
            self._waiting = None
            if packet is None:
                return
            if packet.pts is None:  # the mark of the end
                continue
            if float(packet.pts * packet.time_base) >= until:
                self._waiting = packet
                return
            self._copy(packet)

    def finish(self, time: float) -> None:
        """Copies the sound up to `time`, and what the encoders still hold."""
        self.copy_until(time)
        for stream, anew in self._streams.values():
            if anew:
                self._output.mux(stream.encode(None))

    def _add(self, stream: Any) -> None:
        name = stream.codec_context.name if stream.codec_context is not None else None
        if name is None:
            self.notes.append(f"{self._source} has sound of an unknown codec, which is left out.")
        elif stream.codec_context.codec.canonical_name in self._output.supported_codecs:
            self._streams[stream.index] = self._output.add_stream_from_template(stream), False
        else:
            codec = _ENCODERS.get(self._output.default_audio_codec, self._output.default_audio_codec)
            made = self._output.add_stream(codec, rate=48_000 if codec == "libopus" else stream.rate)
            made.layout = "mono" if stream.channels == 1 else "stereo"
            self._streams[stream.index] = made, True
            self.notes.append(f"The sound of {self._source} ({name}) is encoded anew as {codec} for this kind of file.")

    def _copy(self, packet: Any) -> None:
        stream, anew = self._streams[packet.stream.index]
        if anew:
            for frame in packet.decode():
                if float(frame.pts * frame.time_base) >= self._start:
                    frame.pts -= round(self._start / frame.time_base)
                    self._output.mux(stream.encode(frame))
            return
        shift = round(self._start / packet.time_base)
        if packet.pts < shift:
            return
        packet.pts -= shift
        packet.dts = packet.pts if packet.dts is None else packet.dts - shift
        packet.stream = stream
        self._output.mux(packet)

    def __enter__(self) -> "Sound":
        return self

    def __exit__(self, *_: object) -> None:
        if self._input is not None:
            self._input.close()


_ENCODERS = {"opus": "libopus", "vorbis": "libvorbis", "mp3": "libmp3lame"}  # FFmpeg's own are experimental or missing
