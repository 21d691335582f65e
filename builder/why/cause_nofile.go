package why

import "regexp"

var noFilePattern = regexp.MustCompile(`(?i)(?:open|stat|lstat|dial unix|connect|file:/?/?|cat:|test:)[: ]*'?(/[\w./@-]+)'?[^\n]*no such file or directory|unix[^\n]*no such file`)

func noFile() Cause {
	return Cause{
		ID: "no-file", Doc: "A file or a Unix socket that the check asks for is not there: the app has not made it, or elsewhere.",
		Signs: []Sign{{anywhere, "`no such file or directory`, with the file, in what the check writes"}},
		Sure:  "Certain that it is not there.",
		Do:    "have the app make the file where the check looks for it, or mend the path",
		find: func(c *Container) *Diagnosis {
			if !c.failing() || c.checkSays(noShellPattern) != nil || c.checkSays(noProgramPattern) != nil {
				return nil
			}
			if m := c.checkSays(noFilePattern); m != nil {
				return &Diagnosis{Certainty: Certain, Verdict: "what the check asks for is not there: " + clip(m[0]), rules: []string{"no-file"}}
			}
			return nil
		},
	}
}
