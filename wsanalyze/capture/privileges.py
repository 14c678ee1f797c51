"""Not being root any longer than it takes to open what only root may open."""

from __future__ import annotations

import os
import pwd

from wsanalyze.errors import UsageError

ROOT = "root"


def check_user(user: str | None) -> None:
    """Raise UsageError for a user that does not exist: before anything is opened."""
    if user is not None:
        _entry(user)


def give_up_root(user: str | None) -> str | None:
    """Become `user` for good, or who called sudo; return the name, None where nothing changed.

    Where neither says who, or `user` is "root", root stays root. All threads change; file
    descriptors and children stay as they are. Raises UsageError for a user that does not exist, or
    where we are not root and somebody else.
    """
    if os.geteuid() != 0:
        if user is not None and _entry(user).pw_uid != os.geteuid():
            raise UsageError(f"only root can become {user}")
        return None
    name = os.environ.get("SUDO_USER") if user is None else user
    if not name or name == ROOT:
        return None
    entry = _entry(name)
    if entry.pw_uid == 0:
        return None
    # In this order: without root the groups could not be given up any more.
    os.setgroups(os.getgrouplist(entry.pw_name, entry.pw_gid))
    os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
    os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)
    _make_sure()
    return entry.pw_name


def _make_sure() -> None:
    """Raise OSError, or the error below, if there is a way back."""
    try:
        os.setuid(0)
    except PermissionError:
        return
    raise UsageError("root was not given up: this system let us become root again")


def _entry(name: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        raise UsageError(f"there is no user {name!r}") from None
