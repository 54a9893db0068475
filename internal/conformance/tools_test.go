package conformance

import (
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"switchyard"
	"switchyard/internal/testenv"
)

var errOneAtATime = errors.New("a second connection waits")

// The clients that people use.
var toolCases = []conformanceCase{
	{"curl", curl},
	{"wrk", wrk},
	{"ab", ab},
}

// tool runs an installed program, which must exit with 0.
func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func needTool(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		testenv.Skip(t, name+" is not installed", func() error {
			_, err := exec.LookPath(name)
			return err
		})
	}
}

func curl(t *testing.T, m switchyard.Model) {
	needTool(t, "curl")
	s := serve(t, m, switchyard.Options{})
	url := "http://" + s.addr.String()
	if out := tool(t, "curl", "-sS", url+"/"); out != "one more served" {
		t.Errorf("curl /: %q", out)
	}
	out := tool(t, "curl", "-sS", "-o", "/dev/null", "-o", "/dev/null", "-o", "/dev/null",
		"-w", "%{http_code} %{size_download} %{num_connects}\n",
		url+"/bytes?n=3000000", url+"/nothing", url+"/sleep?ms=2")
	if want := "200 3000000 1\n404 65 0\n200 6 0\n"; out != want {
		t.Errorf("curl of three on one connection: %q, want %q", out, want)
	}
	// curl asks first (Expect) beyond 1 MiB, older ones beyond 1 KiB
	body := strings.Repeat("b", 3000)
	out = tool(t, "curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-d", body, url+"/")
	if out != "200" {
		t.Errorf("curl -d: %q", out)
	}
}

func wrk(t *testing.T, m switchyard.Model) {
	needTool(t, "wrk")
	s := serve(t, m, switchyard.Options{})
	out := tool(t, "wrk", "-t1", "-d1s", fmt.Sprintf("-c%d", s.clients(8)), "http://"+
		s.addr.String()+"/")
	for _, bad := range []string{"Socket errors", "Non-2xx"} {
		if strings.Contains(out, bad) {
			t.Errorf("wrk:\n%s", out)
		}
	}
	if !regexp.MustCompile(`[1-9]\d* requests in`).MatchString(out) {
		t.Errorf("wrk:\n%s", out)
	}
}

func ab(t *testing.T, m switchyard.Model) {
	needTool(t, "ab")
	s := serve(t, m, switchyard.Options{})
	for _, keep := range []bool{false, true} {
		args := []string{"-q", "-n", "100", "-c", fmt.Sprint(s.clients(4)), "http://" +
			s.addr.String() + "/bytes?n=2000"}
		if keep {
			args = append([]string{"-k"}, args...)
		}
		out := tool(t, "ab", args...)
		for _, want := range []string{`Complete requests: +100\n`, `Failed requests: +0\n`} {
			if !regexp.MustCompile(want).MatchString(out) {
				t.Errorf("ab %v:\n%s", args, out)
			}
		}
		if keep && !regexp.MustCompile(`Keep-Alive requests: +100\n`).MatchString(out) {
			t.Errorf("ab %v:\n%s", args, out)
		}
	}
}
