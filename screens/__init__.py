"""One Textual screen per stage of the setup.

How it hangs together:

- `screens.flow.STAGES` is the story in order; each names the class of its screen, which is imported when it is shown.
- `screens.app.WizardApp` owns everything that outlives a screen: the answers (`draft`, `checked`, `answer`), what was
  seen of the hosts (`looker`), the events (`feed`) and whatever runs (`busy`). Threads hand it messages with
  `post_message` and events with `feed.put`; nothing else of it may be touched from a thread.
- `screens.base.StageScreen` draws the frame: title, rail, `main()`, `meaning()` at the right, buttons, keys.
- `screens.dialogs` has the few questions there are; `screens.prompter` puts them for the transport.
- `assets/wizard.tcss` has every style, in theme variables only; `assets/help/<id>.md` the help of each screen.

Text from hosts, files and people goes through `screens.text.told` or `Content`, never through markup.
"""
