package why

func checkCommand() Cause {
	rules := []string{"probe-arguments", "bad-url", "no-url", "unknown-option", "one-string", "needs-shell", "exec-redirect", "shell-arguments", "shell-parse", "bash-only", "no-body", "pasted-brackets", "command-kind", "command-string", "no-command"}
	return Cause{
		ID: "check-command", Doc: "The check's command is written so that it cannot pass, wherever it runs.",
		Signs: []Sign{{anywhere, "usage errors in what the check writes; the judge names the argument, as kohealth lint does"}},
		Sure:  "Certain: the judge refuses only what cannot pass.",
		Do:    "kohealth lint says how to write it",
		find:  refusedBy(rules),
	}
}
