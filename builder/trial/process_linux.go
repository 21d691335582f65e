package trial

import "syscall"

// bind has the kernel kill a command when the thread ends that has started it, as it does
// when kohealth itself is killed.
//
// https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html
func bind(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
