//go:build !net

#include "textflag.h"

// enterEarly is where the process begins. It keeps the stack as the kernel left it for
// Go's runtime, and gives Go code a g without a stack guard, which it finds through FS.
TEXT ·enterEarly(SB),NOSPLIT|NOFRAME,$0
	MOVQ	SP, ·earlyStack(SB)
	MOVQ	$158, AX            // arch_prctl
	MOVQ	$0x1002, DI         // ARCH_SET_FS
	LEAQ	·earlyThread+8(SB), SI
	SYSCALL
	LEAQ	·earlyG(SB), AX
	MOVQ	AX, ·earlyThread(SB)
	SUBQ	$16, SP
	CALL	·answerEarly(SB)
	MOVQ	0(SP), DI
	MOVQ	·earlyStack(SB), SP
	TESTQ	DI, DI
	JEQ	healthy
	JMP	_rt0_amd64_linux(SB)
healthy:
	MOVQ	$231, AX            // exit_group
	SYSCALL
	INT	$3

// func kernel(number, a, b, c, d, e, f uintptr) uintptr
TEXT ·kernel(SB),NOSPLIT,$0-64
	MOVQ	number+0(FP), AX
	MOVQ	a+8(FP), DI
	MOVQ	b+16(FP), SI
	MOVQ	c+24(FP), DX
	MOVQ	d+32(FP), R10
	MOVQ	e+40(FP), R8
	MOVQ	f+48(FP), R9
	SYSCALL
	MOVQ	AX, ret+56(FP)
	RET
