"""Trials of shaders that are not ours: a driver compiles them in another process first.

limits              how long a trial may take, and how much memory
messages            what the two processes send each other
trial               a trial as data, and its verdicts
covering_stage      a vertex stage that lets a fragment stage run
trial_run          draws with a pipeline, as drivers compile when something is drawn
worker              the program of the other process
worker_process      starting it, asking it, ending it
record              what was tried on this machine, in the user's cache folder
trial_runner        the thread that runs trials
shader_trials       which pipelines a frame may have
"""
