"""Functions in processes of their own, which start at once: to import TensorFlow takes seconds.

They are forks of a process that has imported TensorFlow and done nothing else, since a fork has one thread
alone. A function may kill its process, change Keras's settings, and split the CPU.
"""

import gc
import multiprocessing
import os
import pickle
import sys
import traceback
import warnings

FORK = multiprocessing.get_context("fork")


class Apart:
    """Calls functions in processes of their own. To be made before TensorFlow is used."""

    def __init__(self):
        self.connection, other = FORK.Pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # numpy has a thread, which waits for work
            self.pid = os.fork()
            if self.pid == 0:
                self.connection.close()
                try:
                    serve(other)
                finally:
                    os._exit(0)
        other.close()

    def __call__(self, *calls):
        """Calls functions at the same time.

        Args:
            *calls: Tuples of a function and its arguments. To import its module must not use TensorFlow.

        Returns:
            What each gives, or the signal that has killed it, such as -9.

        Raises:
            AssertionError: With the trace of a function that has raised an error.
        """
        self.connection.send((sys.path, pickle.dumps(calls)))
        assert self.connection.poll(300), "no answer within 5 minutes"
        outcomes = self.connection.recv()
        for code, outcome in outcomes:
            assert code <= 0, outcome
        return [code or outcome for code, outcome in outcomes]

    def close(self):
        self.connection.close()
        os.waitpid(self.pid, 0)


def serve(connection):
    """Answers each list of calls with the exit codes of their processes and what they give."""
    while True:
        try:
            path, calls = connection.recv()
        except EOFError:  # the tests are over
            return
        sys.path[:] = path
        calls = pickle.loads(calls)  # imports the modules of the functions, once for all of their calls
        gc.freeze()  # what is there is neither searched nor copied in each fork
        started = []
        for call in calls:
            receive, send = FORK.Pipe(duplex=False)
            process = FORK.Process(target=answer, args=(send, *call))
            process.start()
            send.close()
            started.append((process, receive))
        connection.send([end(*one) for one in started])


def end(process, receive):
    try:
        outcome = receive.recv()
    except EOFError:  # it was killed
        outcome = None
    process.join()
    return process.exitcode, outcome


def answer(send, function, *arguments):
    try:
        send.send(function(*arguments))
    except BaseException:
        send.send(traceback.format_exc())
        sys.exit(1)
