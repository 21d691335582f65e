package main

import "syscall"

// A tcpTable says where Windows' tables of listeners hold what, in bytes. A table begins
// with the number of its rows, which are MIB_TCPROW_OWNER_PID or MIB_TCP6ROW_OWNER_PID of
// tcpmib.h. Ports are in network byte order.
type tcpTable struct {
	family             int
	row, ip, port, pid int
}

var tcpTables = [...]tcpTable{
	{family: syscall.AF_INET, row: 24, ip: 4, port: 8, pid: 20},
	{family: syscall.AF_INET6, row: 56, ip: 0, port: 20, pid: 52},
}

// listeners returns those of a table, and marks the ones that belong to processes.
func (t tcpTable) listeners(table []byte, pids []uint32) (all []listener) {
	if len(table) < 4 {
		return nil
	}
	rows := min(int(number32LE(table)), maxListeners)
	for table = table[4:]; rows > 0 && len(table) >= t.row; rows, table = rows-1, table[t.row:] {
		l := listener{port: uint16(table[t.port])<<8 | uint16(table[t.port+1])}
		if t.family == syscall.AF_INET {
			l.ip = mapped([4]byte(table[t.ip:]))
		} else {
			l.ip = ipAddr(table[t.ip:])
		}
		owner := number32LE(table[t.pid:])
		for _, pid := range pids {
			l.own = l.own || pid == owner
		}
		all = append(all, l)
	}
	return all
}

func number32LE(p []byte) uint32 {
	return uint32(p[0]) | uint32(p[1])<<8 | uint32(p[2])<<16 | uint32(p[3])<<24
}
