"""The SLURM profile on a real SLURM: munge, slurmctld and slurmd of Debian on loopback, in their smallest form."""

import os
import re
import shutil
import signal
import subprocess
import sysconfig
import time
import venv
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from running import OFFLINE, REPOSITORY, outputs, succeed

pytestmark = pytest.mark.slow

PACKAGES = ["slurmctld", "slurmd", "slurm-client", "munge"]
CONF = Path("/etc/slurm/slurm.conf")  # the plugin's inner srun looks here only
MAPS = 12
CONFIG = {
    "maps": "maps.tsv",
    "figures": [],
    "html": [],
    "write_4d": False,
    "variants": {"v3": {"threshold": 3.0}, "v97": {"threshold": "97%", "convention": "nilearn"}},
}


def run(*command, check=True, timeout=120, **settings):
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False, **settings)
    assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """Python of a virtual environment that has the plugin on top of what this one has."""
    folder = tmp_path_factory.mktemp("plugin") / "venv"
    venv.create(folder, with_pip=True)
    found = folder / "bin/python"
    site = run(str(found), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    Path(site, "locked.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    lock = REPOSITORY / "envs/slurm.lock"
    command = [
        str(found),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--require-hashes",
        "--no-deps",
        "--requirement",
        str(lock),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        pytest.skip(f"the SLURM plugin cannot be installed here: {done.stderr.strip().splitlines()[-1]}")
    return found


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """One node of eight processors, as the daemons see it; everything is ended and removed afterwards."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        pytest.skip("SLURM on loopback needs root and apt-get")
    if CONF.exists() or (shutil.which("sbatch") and run("squeue", check=False)):
        pytest.skip("this machine has a SLURM already")
    if not all(map(shutil.which, ("slurmctld", "slurmd", "munged"))):
        settings = {"env": os.environ | {"DEBIAN_FRONTEND": "noninteractive"}, "check": False, "timeout": 300}
        run("apt-get", "update", "-qq", **settings)
        run("apt-get", "install", "-y", "-qq", *PACKAGES, **settings)
    if not all(map(shutil.which, ("slurmctld", "slurmd", "munged"))):
        pytest.skip(f"the packages {', '.join(PACKAGES)} cannot be installed here")
    folder, host = tmp_path_factory.mktemp("slurm"), run("hostname", "-s").strip()
    for name in ("state", "spool", "log"):
        (folder / name).mkdir()
    CONF.parent.mkdir(exist_ok=True)
    CONF.write_text(
        f"""
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
SlurmctldPort=26817
SlurmdPort=26818
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.log
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/completed.txt
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs=8 RealMemory=16000 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
""",
        encoding="utf-8",
    )
    Path("/run/munge").mkdir(exist_ok=True)
    shutil.chown("/run/munge", "munge", "munge")
    Path("/run/munge").chmod(0o755)
    try:
        run("setpriv", "--reuid=munge", "--regid=munge", "--clear-groups", "munged", "--force", check=False)
        run("slurmctld", "-c")
        run("slurmd")
        until = time.monotonic() + 30
        while run("sinfo", "-h", "-o", "%T", check=False).strip() != "idle":
            assert time.monotonic() < until, (folder / "log/slurmctld.log").read_text()
            time.sleep(0.5)
        yield folder / "completed.txt"
    finally:
        for name in ("slurmd", "slurmctld"):
            pid = folder / f"{name}.pid"
            if pid.exists():
                os.kill(int(pid.read_text()), signal.SIGTERM)
        run("pkill", "-x", "munged", check=False)
        CONF.unlink()


def make_maps(folder, motor_path):
    image = nib.load(motor_path)
    rows = ["map\tsource\tstat\tspace"]
    for n in range(MAPS):
        data = np.roll(np.asanyarray(image.dataobj), n - 6, axis=0) * np.float32(1 + n / 20)
        nib.Nifti1Image(data.astype(np.float32), image.affine).to_filename(folder / f"m{n:02}.nii.gz")
        rows.append(f"m{n:02}\tm{n:02}.nii.gz\tz\tMNI152")
    (folder / "maps.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def test_a_dozen_maps_through_slurm_give_the_bytes_of_a_local_run(python, cluster, tmp_path, motor_path):
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
        make_maps(folder, motor_path)
    succeed(here, config=CONFIG)
    shutil.copy(here / "overlay.yaml", there)
    command = [python, "-m", "snakemake", "--snakefile", REPOSITORY / "Snakefile", "--directory", there]
    command += ["--configfile", there / "overlay.yaml", "--workflow-profile", REPOSITORY / "profiles/slurm"]
    command += [
        "--jobs",
        "4",
        "--default-resources",
        "mem_mb=attempt*1000",
        "runtime=attempt*5",
        "slurm_partition=main",
    ]
    command += [
        "--slurm-status-command",
        "squeue",
        "--slurm-no-account",
        "--slurm-init-seconds-before-status-checks",
        "6",
    ]
    settings = {name: value for name, value in os.environ.items() if not name.startswith(("SNAKEMAKE_", "SLURM_"))}
    settings |= OFFLINE
    with subprocess.Popen(
        [*map(str, command)],
        env=settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=300)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    assert process.returncode == 0, output
    completed = re.findall(r"JobId=(\d+).*JobState=COMPLETED", cluster.read_text(encoding="utf-8"))
    groups = -(-MAPS // 4)
    assert len(set(completed)) == groups + 1, "four maps a submission, and the comparison of all maps"
    one, other = outputs(here), outputs(there)
    assert list(one) == list(other) and len(one) > 10 * MAPS
    assert [name for name in one if one[name] != other[name]] == []
