#include "textflag.h"

// func interruptHandler() uintptr
TEXT ·interruptHandler(SB),NOSPLIT,$0-8
	MOVD	$·doNothing(SB), R0
	MOVD	R0, ret+0(FP)
	RET

// func interruptRestorer() uintptr
TEXT ·interruptRestorer(SB),NOSPLIT,$0-8
	MOVD	$·sigreturn(SB), R0
	MOVD	R0, ret+0(FP)
	RET

TEXT ·doNothing(SB),NOSPLIT|NOFRAME,$0
	RET

// rt_sigreturn(2) does not return.
TEXT ·sigreturn(SB),NOSPLIT|NOFRAME,$0
	MOVD	$139, R8
	SVC
	BRK	$0
