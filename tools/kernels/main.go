package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"text/tabwriter"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx))
}

// settings are the flags.
type settings struct {
	kernels []kernel
	image   string
	match   string
	limit   time.Duration
	jobs    int
	verbose bool
	update  bool
	list    bool
	refresh bool
}

func flags() (s settings, err error) {
	names := flag.String("kernels", "", "which `kernels`, separated by spaces or commas: "+known()+
		" (default: all)")
	flag.StringVar(&s.image, "image", "",
		"boot this kernel `file` (a bzImage) instead of the one of -kernels, of which there can then be one only")
	flag.StringVar(&s.match, "run", "",
		"run only the tests that match the `regexp`, and expect only those")
	flag.DurationVar(&s.limit, "limit", 8*time.Minute, "the `time` a guest may take")
	flag.IntVar(&s.jobs, "jobs", min(2, runtime.NumCPU()),
		"how many guests run at once; each keeps one CPU busy")
	flag.BoolVar(&s.verbose, "v", false, "print the guests' consoles")
	flag.BoolVar(&s.update, "update", false, "write tests.txt from what passed")
	flag.BoolVar(&s.list, "list", false,
		"boot nothing: add to tests.txt what the tests' programs list, take out what they do not")
	flag.BoolVar(&s.refresh, "refresh", false, "ask Debian for newer kernels than those kept")
	flag.Parse()
	if flag.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	if s.kernels, err = choose(*names); err != nil || s.image == "" {
		return s, err
	}
	if len(s.kernels) != 1 || s.update {
		return s, errors.New("-image is for one of the -kernels, and not with -update")
	}
	info, err := os.Stat(s.image)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("-image %s is no file", s.image)
	}
	return s, err
}

// run returns the exit status: 0 when all that could run passed, 1 when something failed, 2 when it
// was asked wrongly.
func run(ctx context.Context) int {
	s, err := flags()
	if err != nil {
		fmt.Fprintln(os.Stderr, "kernels:", err)
		return 2
	}
	if runtime.GOARCH != "amd64" {
		fmt.Println("SKIPPED: the kernels are for amd64, this machine is", runtime.GOARCH)
		return 0
	}
	if _, err := exec.LookPath(qemu); err != nil && !s.list {
		fmt.Printf("SKIPPED: no %s: apt-get install qemu-system-x86\n", qemu)
		return 0
	}
	dir, err := os.MkdirTemp("", "switchyard-kernels-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "kernels:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	suites, err := build(ctx, dir, s.match)
	if err != nil {
		fmt.Fprintln(os.Stderr, "kernels:", err)
		return 1
	}

	if s.list {
		if err := writeTable(listed(expected(table), suites)); err != nil {
			fmt.Fprintln(os.Stderr, "kernels:", err)
			return 1
		}
		return 0
	}

	outcomes := make([]outcome, len(s.kernels))
	room := make(chan bool, max(1, s.jobs))
	var all sync.WaitGroup
	for i, k := range s.kernels {
		all.Go(func() {
			room <- true
			defer func() { <-room }()
			outcomes[i] = try(ctx, s, k, dir, suites)
		})
	}
	all.Wait()
	return summary(s, outcomes)
}

// An outcome is what came of one kernel.
type outcome struct {
	kernel  kernel
	release string // as uname(2) in the guest has it
	took    time.Duration
	skipped error // why it could not be run at all
	results results
	faults  []string
}

// try runs everything on one kernel.
func try(ctx context.Context, s settings, k kernel, dir string, suites []suite) outcome {
	o := outcome{kernel: k, results: results{}}
	image, err := k.image(ctx, s.refresh)
	if err != nil {
		o.skipped = err
		return o
	}
	image.vmlinuz = cmp.Or(s.image, image.vmlinuz)
	files := filepath.Join(dir, k.name+".cpio")
	if err := initramfs(files, image.busybox, dir, suites); err != nil {
		o.faults = append(o.faults, err.Error())
		return o
	}
	start := time.Now()
	console, err := boot(ctx, k.cpu, image.vmlinuz, files, s.limit, func(line string) {
		if s.verbose {
			fmt.Printf("%s| %s\n", k.name, line)
		}
	})
	o.took = time.Since(start)
	o.release, o.results = read(console)
	if err != nil {
		o.faults = append(o.faults, err.Error())
	}
	o.faults = append(o.faults, faults(k, suites, o.results, !s.update && s.match == "" &&
		s.image == "")...)
	if len(o.faults) > 0 {
		o.faults = append(o.faults, "console: "+keep(k, console))
	}
	return o
}

// keep writes the console of a guest that failed where it can be read afterwards.
func keep(k kernel, console []string) string {
	name := filepath.Join(os.TempDir(), "switchyard-kernel-"+k.name+".log")
	if err := os.WriteFile(name, []byte(strings.Join(console, "\n")+"\n"), 0o644); err != nil {
		return err.Error()
	}
	return name
}

func summary(s settings, outcomes []outcome) int {
	code := 0
	for _, o := range outcomes {
		for _, f := range o.faults {
			code = 1
			fmt.Printf("%s: %s\n", o.kernel.name, f)
		}
	}
	fmt.Println()
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "KERNEL\tRELEASE\tPASSED\tSKIPPED\tFAILED\tTIME\t")
	for _, o := range outcomes {
		if o.skipped != nil {
			fmt.Fprintf(w, "%s\tSKIPPED\t\t\t\t\t\n", o.kernel.name)
			continue
		}
		verdict := "ok"
		if len(o.faults) > 0 {
			verdict = "FAILED"
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%v\t%s\n", o.kernel.name, o.release,
			o.results.count(passed), o.results.count(skipped), o.results.count(failed),
			o.took.Round(time.Second), verdict)
	}
	w.Flush()
	for _, o := range outcomes {
		if o.skipped != nil {
			fmt.Printf("SKIPPED: kernel %s: %v\n", o.kernel.name, o.skipped)
		}
	}
	if s.update {
		if err := update(outcomes); err != nil {
			fmt.Fprintln(os.Stderr, "kernels:", err)
			return 1
		}
	}
	return code
}

// build makes the static binaries the guests run, in dir.
func build(ctx context.Context, dir, match string) ([]suite, error) {
	module, err := output(ctx, nil, "go", "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return nil, err
	}
	root := strings.TrimSpace(module)
	static := func(args ...string) error {
		cmd := exec.CommandContext(ctx, "go", args...)
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
		}
		return nil
	}
	const small = "-ldflags=-s -w"
	if err := errors.Join(
		static("build", "-trimpath", small, "-o", filepath.Join(dir, "init"),
			"./tools/kernels/init"),
		static("build", "-trimpath", small, "-o", filepath.Join(dir, "switchyard"),
			"./cmd/switchyard"),
	); err != nil {
		return nil, err
	}
	list := suitesFor(match)
	for i := range list {
		t := &list[i]
		if t.pkg == "" {
			continue
		}
		file := filepath.Join(dir, t.name+".test")
		if err := static("test", "-c", "-trimpath", small, "-o", file, "./"+t.pkg); err != nil {
			return nil, err
		}
		out, err := output(ctx, nil, file, "-test.list", t.list)
		if err != nil {
			return nil, err
		}
		skip, err := regexp.Compile(cmp.Or(t.skip, "^$"))
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(out) {
			if name := strings.TrimSpace(line); !skip.MatchString(name) &&
				(strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Example")) {
				t.tests = append(t.tests, name)
			}
		}
	}
	return list, nil
}

func output(ctx context.Context, env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), env...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(append([]string{name}, args...), " "), err,
			strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}
