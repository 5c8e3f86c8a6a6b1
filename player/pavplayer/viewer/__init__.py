"""`pav play`: avatars in the browser, drawn here and shown there.

Theory of operation
-------------------
**Drawn here, shown there.** viser serves the page, its widgets and its camera; the picture behind them is ours, sent as
a JPEG for each browser. So the page shows what this package's rasterizers draw, the ones that evaluation measures and
tests compare, on the machine that has the file and perhaps the GPU, and a browser needs no WebGL that could draw
otherwise. (`player/web` is the player that draws in the browser.) The price is a picture over the network per frame.

**Threads.** One thread draws: the caller of `ViewerServer.run`. It alone touches avatars, scenes, sessions and
rasterizers, and it calls `Player.tick` again and again. viser runs callbacks of widgets and cameras in threads of
its own; the streams of the avatars fetch in theirs. What passes between them:

- `Controls`: written by any thread, each value replaced as a whole; `version` goes up with every change, so the
  drawing thread sees that something changed without comparing anything.
- `Player.clients`: `update_client` and `remove_client` are called by viser's threads; the drawing thread iterates
  over copies. A client's `view` is replaced as a whole; its other fields belong to the drawing thread.
- `Playback` has a lock: position and start of a track change together.
- `AvatarView.fade_seconds` and a `GaussianBudget` are single numbers.
- Jobs (a screenshot, a film) are begun by any thread and done step by step in `tick`, since they draw. (The
  turntable and "look from the front" ask in the callback where the avatars stand: reading, of what only grows.)
- Widgets are written by the drawing thread (`Panel.update`, four times a second), and read by viser's.
- Bytes: a stream's thread fills a buffer; `Avatar.update`, in the drawing thread, decodes what is there.

**From an event to a frame.** An event (a slider, a camera, bytes) sets `controls.changed`, which wakes the loop
from its idle wait. `tick` takes in what has arrived, and notes the time if anything changed, plays or fades. A
client is *due* when that time, or that of its own last camera move, is later than its last picture; or when
nothing has moved for `REST_SECONDS` and its last picture was not a sharp one. Every due client gets a picture
from its own view. At rest nothing is drawn.

**Adaptive size.** While something moves a picture is made in a share of the window's size that `AdaptiveSize`
learns from how long pictures took, with a coarser JPEG and one core left to the browser (`threads`); once at
rest, one of full size and quality follows. A browser that cannot keep up skips pictures: viser replaces the
background it has not taken.

**Arrival, prefix slider and fades** meet in `content.visibility`. The scene only grows; what is *drawn* of it is
a choice. `Arrivals` records when each unit came, and how long a prefix must be to hold it. The slider's `limit`
gives units beyond it a share of 0, whether or not they are here; a unit within it fades in from the second it
came, so a unit that arrives beyond the slider shows nothing and, uncovered later, is there at once. Hand-over
counts when all its units are within the limit, and fades half a fade later. A prefix also lacks the shapes,
identity and correctives that come after it (`AvatarView.cloud`). Sharp pictures are those with all fades over:
`now` is infinite for them. Since the scene law (§1) makes any set of units a picture, none of this decodes
anything anew.

**Several avatars** go through `pavplayer.crowd` instead: each shows the prefix that its share of a budget pays
for, and the byte slider, which is about one file, is not there (`CrowdScene`).
"""
