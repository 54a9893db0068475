package main

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

// TestArchive compares with the archive's definition, byte for byte.
func TestArchive(t *testing.T) {
	var b bytes.Buffer
	a := &archive{w: &b}
	a.add("dir", typeDir|0o755, [2]int{}, nil, 0)
	a.add("dev/console", typeChar|0o600, [2]int{5, 1}, nil, 0)
	a.add("file", typeFile|0o644, [2]int{}, strings.NewReader("hello"), 5)
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	const zero = "00000000"
	want := "070701" + "00000001" + "000041ED" + zero + zero + "00000001" + zero + zero + zero +
		zero + zero + zero + "00000004" + zero + "dir\x00\x00\x00" +
		"070701" + "00000002" + "00002180" + zero + zero + "00000001" + zero + zero + zero + zero +
		"00000005" + "00000001" + "0000000C" + zero + "dev/console\x00\x00\x00" +
		"070701" + "00000003" + "000081A4" + zero + zero + "00000001" + zero + "00000005" + zero +
		zero + zero + zero + "00000005" + zero + "file\x00\x00" + "hello\x00\x00\x00" +
		"070701" + "00000004" + zero + zero + zero + "00000001" + zero + zero + zero + zero + zero +
		zero + "0000000B" + zero + "TRAILER!!!\x00\x00\x00\x00"
	if got := b.String(); got != want {
		t.Errorf("archive:\n%q\nwant\n%q", got, want)
	}

	cpio, err := exec.LookPath("cpio")
	if err != nil {
		return
	}
	cmd := exec.Command(cpio, "-t", "--quiet")
	cmd.Stdin = &b
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "dir\ndev/console\nfile\n" {
		t.Errorf("cpio reads %q, %v", out, err)
	}
}

func TestArchiveShort(t *testing.T) {
	a := &archive{w: new(bytes.Buffer)}
	a.add("file", typeFile|0o644, [2]int{}, strings.NewReader("hell"), 5)
	if a.close() == nil {
		t.Error("a file that is shorter than it said: no error")
	}
}
