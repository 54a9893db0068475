package proc

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// A process of another user namespace is held to RLIMIT_NPROC unless its user is the machine's
// root, by whatever number that goes there: the kernel itself says who is.
func TestExemptInAnotherUserNamespace(t *testing.T) {
	const question = "SWITCHYARD_TEST_EXEMPT"
	if os.Getenv(question) != "" {
		fmt.Println("exempt:", exempt())
		return
	}
	if os.Getuid() != 0 {
		t.Skip("only root can be another user of another namespace")
	}
	prlimit, err := exec.LookPath("prlimit")
	if err != nil {
		t.Skip("no prlimit, util-linux has it")
	}
	for _, host := range []int{0, 12345} {
		for _, here := range []int{0, 777} {
			in := func(name string, args ...string) *exec.Cmd {
				cmd := exec.Command(name, args...)
				cmd.SysProcAttr = &syscall.SysProcAttr{
					Cloneflags: syscall.CLONE_NEWUSER,
					Credential: &syscall.Credential{Uid: uint32(here), NoSetGroups: true},
					UidMappings: []syscall.SysProcIDMap{
						{ContainerID: here, HostID: host, Size: 1}},
					GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}},
				}
				return cmd
			}
			if err := in("/bin/true").Run(); err != nil {
				t.Skip("no user namespaces here: ", err)
			}
			// A shell that has its limit already cannot fork, if it is held to it.
			kernel := in(prlimit, "--nproc=0", "/bin/sh", "-c", "/bin/true; exit 0").Run() == nil
			cmd := in("/proc/self/exe", "-test.run=^TestExemptInAnotherUserNamespace$")
			cmd.Env = append(os.Environ(), question+"=1")
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("user %d, here %d: %v\n%s", host, here, err, out)
			}
			if want := fmt.Sprintf("exempt: %t\n", kernel); !strings.HasPrefix(string(out), want) {
				t.Errorf("user %d, here %d: %s, want %s", host, here, out, want)
			}
			if kernel != (host == 0) {
				t.Errorf("user %d, here %d: exempt %t by the kernel", host, here, kernel)
			}
		}
	}
}

func TestTaskRoom(t *testing.T) {
	room, limit := TaskRoom()
	if room <= 0 || room == math.MaxInt32 || limit == "" {
		t.Errorf("room for %d, %s", room, limit)
	}
	err := RoomForTasks(math.MaxInt32)
	if err == nil || !strings.Contains(err.Error(), limit) {
		t.Errorf("room for all: %v, want an error that names %s", err, limit)
	}
}
