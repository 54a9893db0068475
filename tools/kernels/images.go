package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A kernel is one to test on, where Debian has it, and the CPU that is emulated for it.
type kernel struct{ name, suite, cpu string }

// QEMU 7.2 gets the flags of cmpxchg16b wrong now and then: one boot in seven of 6.12 died of it,
// none in forty without that instruction. 7.x cannot do without: BPF's allocator has no memory then
// (kmalloc_nolock).
var kernels = []kernel{
	{"5.10", "bullseye", "max"},
	{"6.1", "bookworm", "max"},
	{"6.12", "trixie", "max,cx16=off"},
	{"7.x", "sid", "max"},
}

// mirrors are asked one after the other; a suite that is no longer supported moves to the archive.
var mirrors = []string{"http://deb.debian.org/debian", "http://archive.debian.org/debian"}

const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

func known() string {
	var names []string
	for _, k := range kernels {
		names = append(names, k.name)
	}
	return strings.Join(names, " ")
}

// choose returns the kernels named, all if none is.
func choose(names string) (list []kernel, err error) {
next:
	for _, name := range strings.FieldsFunc(names, func(r rune) bool {
		return r == ' ' || r == ','
	}) {
		for _, k := range kernels {
			if k.name == name {
				list = append(list, k)
				continue next
			}
		}
		return nil, fmt.Errorf("no kernel %q: there are %s", name, known())
	}
	if list == nil {
		list = kernels
	}
	return list, nil
}

// An image is what a guest is made of besides our own programs: files of the cache.
type image struct{ vmlinuz, busybox string }

// image returns the kernel's files, from the cache if they are there. The error says why they are
// not to be had.
func (k kernel) image(ctx context.Context, refresh bool) (image, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir() // no HOME
	}
	dir := filepath.Join(cache, "switchyard", "kernels")
	im := image{filepath.Join(dir, k.name+".vmlinuz"), filepath.Join(dir, k.name+".busybox")}
	have := exists(im.vmlinuz) && exists(im.busybox)
	if have && !refresh {
		return im, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return im, err
	}
	if err := k.fetch(ctx, im); err != nil {
		if have {
			fmt.Fprintf(os.Stderr, "kernels: %s: no news, using what is kept: %v\n", k.name, err)
			return im, nil
		}
		return im, err
	}
	return im, nil
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// fetch takes both files out of Debian's packages.
func (k kernel) fetch(ctx context.Context, im image) error {
	for _, tool := range []string{"apt-get", "apt-cache", "dpkg-deb"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("no %s, to fetch Debian's packages with", tool)
		}
	}
	if !exists(keyring) {
		return fmt.Errorf("no %s: apt-get install debian-archive-keyring", keyring)
	}
	var errs []error
	for _, mirror := range mirrors {
		err := k.fetchFrom(ctx, mirror, im)
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (k kernel) fetchFrom(ctx context.Context, mirror string, im image) error {
	a, err := newApt(mirror, k.suite)
	if err != nil {
		return err
	}
	defer os.RemoveAll(a.dir)
	if err := a.update(ctx); err != nil {
		return err
	}
	// The package of that name only depends on the newest; and since 7.x that has the image in yet
	// another.
	pkg := "linux-image-cloud-amd64"
	for _, prefix := range []string{"linux-image-", "linux-binary-"} {
		depends, err := a.depends(ctx, pkg)
		if err != nil {
			return err
		}
		for _, d := range depends {
			if strings.HasPrefix(d, prefix) {
				pkg = d
				break
			}
		}
	}
	if err := a.extract(ctx, pkg, "vmlinuz", im.vmlinuz); err != nil {
		return err
	}
	return a.extract(ctx, "busybox-static", "busybox", im.busybox)
}

// An apt is one that knows a single suite, and keeps what it knows in a folder of its own.
type apt struct {
	dir  string
	args []string
}

func newApt(mirror, suite string) (*apt, error) {
	dir, err := os.MkdirTemp("", "switchyard-apt-")
	if err != nil {
		return nil, err
	}
	// apt's helpers run as a user of their own.
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, err
	}
	for _, sub := range []string{"lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return nil, err
		}
	}
	list := filepath.Join(dir, "sources.list")
	source := fmt.Sprintf("deb [arch=amd64 signed-by=%s] %s %s main\n", keyring, mirror, suite)
	if err := os.WriteFile(list, []byte(source), 0o644); err != nil {
		return nil, err
	}
	a := &apt{dir: dir}
	for _, option := range []string{
		"Dir::Etc::SourceList=" + list,
		"Dir::Etc::SourceParts=/dev/null",
		"Dir::State::Lists=" + filepath.Join(dir, "lists"),
		"Dir::Cache=" + filepath.Join(dir, "cache"),
		"Acquire::Languages=none",
		"Acquire::Retries=2",
		"Acquire::http::Timeout=20",
		"Acquire::Check-Valid-Until=false", // what the archive has is not signed again
		"APT::Update::Error-Mode=any",
		"APT::Sandbox::User=",
	} {
		a.args = append(a.args, "-o", option)
	}
	return a, nil
}

func (a *apt) run(ctx context.Context, tool string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, tool, append(append([]string{"-q"}, a.args...), args...)...)
	cmd.Dir = a.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", tool, strings.Join(args, " "), err,
			strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}

func (a *apt) update(ctx context.Context) error {
	_, err := a.run(ctx, "apt-get", "update")
	return err
}

// depends lists the packages one depends on.
func (a *apt) depends(ctx context.Context, pkg string) (list []string, err error) {
	out, err := a.run(ctx, "apt-cache", "depends", "--important", pkg)
	for line := range strings.Lines(out) {
		if _, name, ok := strings.Cut(line, "Depends: "); ok {
			list = append(list, strings.TrimSpace(name))
		}
	}
	return list, err
}

// extract downloads a package and copies the first file whose name begins so to the file to.
func (a *apt) extract(ctx context.Context, pkg, name, to string) error {
	if _, err := a.run(ctx, "apt-get", "download", pkg); err != nil {
		return err
	}
	debs, err := filepath.Glob(filepath.Join(a.dir, pkg+"_*.deb"))
	if err != nil || len(debs) != 1 {
		return fmt.Errorf("apt-get download %s: %d packages came", pkg, len(debs))
	}
	ctx, cancel := context.WithCancel(ctx) // the rest of the package is not wanted
	defer cancel()
	cmd := exec.CommandContext(ctx, "dpkg-deb", "--fsys-tarfile", debs[0])
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer cmd.Wait()
	defer cancel()
	for t := tar.NewReader(out); ; {
		h, err := t.Next()
		if err != nil {
			return fmt.Errorf("package %s: no file %s: %w", pkg, name, err)
		}
		if h.Typeflag == tar.TypeReg && strings.HasPrefix(filepath.Base(h.Name), name) {
			return replace(to, t)
		}
	}
}

// replace writes a file that is whole or not there.
func replace(name string, r io.Reader) error {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if _, err := io.Copy(f, r); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
