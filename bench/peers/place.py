"""place.py - a private folder with the made input, and programs that run in it as an ordinary user.

Servers are started in the foreground with their parent's death as their own (setpriv --pdeathsig),
bound to loopback or to a socket in the folder, and stopped by process id: nothing outlives a run, and
no server of the system is touched.
"""
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

LIMIT_S = 300  # for anything that is waited for
os.environ["PATH"] += ":/usr/sbin"  # Debian's place for servers, not in everybody's path


class Failed(Exception):
    """What a program said, or what was waited for in vain."""


class Place:
    def __init__(self, parent=None, port_offset=0):
        self.folder = tempfile.mkdtemp(prefix="cpni-peers-", dir=parent)
        self.port_offset = port_offset
        # PostgreSQL refuses to run as root, and no peer needs to.
        self.become = ["setpriv", "--pdeathsig", "TERM"]
        self.user = None
        if os.geteuid() == 0:
            self.user = pwd.getpwnam("nobody")
            self.become += ["--reuid=%d" % self.user.pw_uid, "--regid=%d" % self.user.pw_gid, "--clear-groups"]
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, content):
        """Its path. Belongs to the user that programs run as."""
        data = content.encode() if isinstance(content, str) else content
        with open(self.path(name), "wb") as f:
            f.write(data)
        if self.user:
            os.chown(f.name, self.user.pw_uid, self.user.pw_gid)
        return f.name

    def clear(self, *names):
        for name in names:
            path = self.path(name)
            if os.path.isdir(path):
                shutil.rmtree(path)
            elif os.path.exists(path):
                os.unlink(path)

    def port(self, usual):
        return usual + self.port_offset

    def popen(self, *command, **options):
        return subprocess.Popen([*self.become, "--", *command], cwd=self.folder, **options)

    def run(self, *command, text=None):
        """Its standard output."""
        try:
            done = subprocess.run([*self.become, "--", *command], cwd=self.folder, input=text, capture_output=True,
                                  text=True, timeout=LIMIT_S)
        except subprocess.TimeoutExpired as e:
            raise Failed("%s: no end in %d s" % (command[0], LIMIT_S)) from e
        if done.returncode:
            raise Failed("%s: exit %d: %s" % (command[0], done.returncode, done.stderr[-2000:]))
        return done.stdout


class Server:
    """A program of a place for the length of a `with`: up when `ready()` is true."""

    def __init__(self, place, name, command, ready, stop=signal.SIGTERM):
        self.place, self.name, self.command, self.ready, self.stop = place, name, command, ready, stop

    def __enter__(self):
        with open(self.place.path(self.name + ".log"), "wb") as log:
            self.process = self.place.popen(*self.command, stdout=log, stderr=log)
        try:
            until(self.alive_and_ready, self.name + " to be ready", 60)
        except BaseException:
            self.__exit__()
            raise
        return self

    def alive_and_ready(self):
        if self.process.poll() is not None:
            raise Failed("%s ended:\n%s" % (self.name, open(self.place.path(self.name + ".log")).read()[-2000:]))
        return self.ready()

    def __exit__(self, *_):
        self.process.send_signal(self.stop)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def until(condition, what, seconds=LIMIT_S, pause_s=0.01):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failed("waited for " + what)
        time.sleep(pause_s)


def listens(port):
    """Whether somebody accepts connections there."""
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def pieces(items, count):
    """`count` runs of about the same length, one after the other."""
    size = -(-len(items) // count)
    return [items[i:i + size] for i in range(0, len(items), size)]
