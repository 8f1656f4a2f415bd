"""Which commands there are.

A command is registered by the dotted path of its function and imported when it is called, so
that ``ghostnote --help`` answers at once and ``ghostnote sample`` pays for sampling alone.
"""

from __future__ import annotations

from typing import Final

from cyclopts import App, Group

from ghostnote import __version__

_HELP: Final = """Drum loops out of a latent space: sample, hear, plot, and train your own.

Example: ghostnote sample -n 8 --bpm 96 --out loops"""

_MUSIC: Final = Group("Make music", sort_key=1)
_LABORATORY: Final = Group("Teach a model", sort_key=2)
_OPTIONS: Final = Group("Options", sort_key=3)

_COMMANDS: Final = (
    ("studio:studio", _MUSIC, "Make and play loops in your browser."),
    ("sample:sample", _MUSIC, "Write new drum loops as MIDI and audio, with a picture."),
    ("vary:vary", _MUSIC, "Write variations of drum MIDI files, from subtle to far."),
    ("interpolate:interpolate", _MUSIC, "Go from one groove to another, or between four."),
    ("reconstruct:reconstruct", _MUSIC, "Send drum MIDI files through a model."),
    ("humanize:humanize", _MUSIC, "Give the drums of MIDI files velocity and timing."),
    ("tap:tap", _MUSIC, "Turn a tapped rhythm into a part for the whole kit."),
    ("infill:infill", _MUSIC, "Keep voices or bars of drum MIDI files, and write the others."),
    ("continue_:continue_", _MUSIC, "Go on from the drums of MIDI files."),
    ("score:score", _MUSIC, "Say how usual drum MIDI files are, bar by bar and cell by cell."),
    ("attribute:app", _MUSIC, "Give grooves more or less density, swing and the like."),
    ("search:search", _MUSIC, "Find the grooves of a folder that are nearest to one."),
    ("map_:map_", _MUSIC, "Draw a folder of grooves, or a model's prior, as a map."),
    ("render:render", _MUSIC, "Turn drum MIDI files into audio."),
    ("plot:plot", _MUSIC, "Draw drum MIDI files as drum rolls."),
    ("serve:serve", _MUSIC, "Serve the studio and its REST, without opening a browser."),
    ("data:app", _LABORATORY, "Fetch the Groove MIDI Dataset, look into it, add your own."),
    ("presets:presets", _LABORATORY, "List the presets that can be trained."),
    ("train:train", _LABORATORY, "Train a preset, or go on training a run."),
    ("evaluate:evaluate", _LABORATORY, "Measure a model, beside baselines and floors."),
    ("baselines:baselines", _LABORATORY, "Measure what a model has to beat."),
    ("export:export", _LABORATORY, "Make a model bundle out of a run."),
    ("card:card", _LABORATORY, "Write a bundle's model card from its figures."),
    ("import_:app", _LABORATORY, "Make a model bundle out of a Magenta checkpoint."),
)
"""Where each command is, its group, and its line in the overview."""


def command_line(called: str | None = None) -> App:
    """The whole command line, of which the command `called` is about to run.

    The overview's lines stand here, so that it imports no command. The one that is called is
    imported anyway, and describes itself at length.
    """
    app = App(
        name="ghostnote",
        help=_HELP,
        version=__version__,
        version_flags=("--version",),
        result_action="return_value",
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
    )
    for flag in ("--help", "--version"):
        app[flag].group = (_OPTIONS,)
    for order, (path, group, line) in enumerate(_COMMANDS):
        name = path.partition(":")[0].rstrip("_")  # a module cannot be called import
        app.command(
            f"ghostnote.cli.{path}",
            name=name,
            group=group,
            sort_key=order,
            help=None if name == called else line,
        )
    return app
