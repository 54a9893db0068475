#include "textflag.h"

// func interruptHandler() uintptr
TEXT ·interruptHandler(SB),NOSPLIT,$0-8
	LEAQ	·doNothing(SB), AX
	MOVQ	AX, ret+0(FP)
	RET

// func interruptRestorer() uintptr
TEXT ·interruptRestorer(SB),NOSPLIT,$0-8
	LEAQ	·sigreturn(SB), AX
	MOVQ	AX, ret+0(FP)
	RET

TEXT ·doNothing(SB),NOSPLIT|NOFRAME,$0
	RET

// rt_sigreturn(2) does not return.
TEXT ·sigreturn(SB),NOSPLIT|NOFRAME,$0
	MOVQ	$15, AX
	SYSCALL
	INT	$3
