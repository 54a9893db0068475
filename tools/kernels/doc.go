// Kernels boots Debian's kernels in an emulator and runs there what needs a kernel: the tests of
// trace, the conformance suite on one model of each family, and a small compare. make test-kernels
// runs it.
//
//	go run ./tools/kernels [-kernels '5.10 7.x'] [-image BZIMAGE] [-run REGEXP] [-v]
//	    [-update] [-list] [-refresh]
//
// A kernel is a package of Debian's, taken with apt (images.go) and kept under the user's cache
// directory, or a file (-image). A guest's only file system is an initramfs (initramfs.go) with
// static binaries: the tests, switchyard, busybox for what tests call, and init, which runs one job
// after the other and prints to the serial console. There is no root, disk or network to set up.
//
// Passes are counted by name (results.go). A test that did not run is no success: every test that a
// binary lists, and every one in tests.txt, must have passed, or have been skipped where tests.txt
// says that this kernel may.
//
// The CPU is emulated (-accel tcg, thread=single): ten times slower than the host, and guests hang
// under /dev/kvm of some hosts. No test that runs there may have a deadline of its own below
// seconds.
package main
