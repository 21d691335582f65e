//go:build !net

#include "textflag.h"

// enterEarly is where the process begins. It keeps the stack as the kernel left it for
// Go's runtime, and gives Go code a g without a stack guard.
TEXT ·enterEarly(SB),NOSPLIT|NOFRAME,$0
	MOVD	RSP, R0
	MOVD	R0, ·earlyStack(SB)
	MOVD	$·earlyG(SB), g
	SUB	$16, RSP
	BL	·answerEarly(SB)
	MOVD	8(RSP), R0
	MOVD	·earlyStack(SB), R1
	MOVD	R1, RSP
	CBZ	R0, healthy
	MOVD	ZR, g
	B	_rt0_arm64_linux(SB)
healthy:
	MOVD	$94, R8             // exit_group
	SVC
	BRK

// func kernel(number, a, b, c, d, e, f uintptr) uintptr
TEXT ·kernel(SB),NOSPLIT,$0-64
	MOVD	number+0(FP), R8
	MOVD	a+8(FP), R0
	MOVD	b+16(FP), R1
	MOVD	c+24(FP), R2
	MOVD	d+32(FP), R3
	MOVD	e+40(FP), R4
	MOVD	f+48(FP), R5
	SVC
	MOVD	R0, ret+56(FP)
	RET
