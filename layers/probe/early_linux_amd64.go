package main

import "syscall"

const sysStatAt = syscall.SYS_NEWFSTATAT
