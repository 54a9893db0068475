package syscalls

// x32 are the calls that have a number of their own in the x32 ABI, from x32First on: their
// arguments differ from those of the 64-bit calls of the same names, whose numbers are none there.
// Every other call has the 64-bit number (arch/x86/entry/syscalls/syscall_64.tbl).
var x32 = [...]string{
	"rt_sigaction", "rt_sigreturn", "ioctl", "readv", "writev", "recvfrom", "sendmsg", "recvmsg",
	"execve", "ptrace",
	"rt_sigpending", "rt_sigtimedwait", "rt_sigqueueinfo", "sigaltstack", "timer_create",
	"mq_notify", "kexec_load", "waitid",
	"set_robust_list", "get_robust_list", "vmsplice", "move_pages", "preadv", "pwritev",
	"rt_tgsigqueueinfo", "recvmmsg",
	"sendmmsg", "process_vm_readv", "process_vm_writev", "setsockopt", "getsockopt", "io_setup",
	"io_submit", "execveat",
	"preadv2", "pwritev2",
}

const x32First = 512
