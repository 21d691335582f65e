package main

// Where ko puts the app, and where kohealth puts the probe's arguments: beside the probe,
// in the root of the drive that every Windows container has. There is no /etc, and the
// layer then gives no directory of the base's another owner.
const (
	koAppDir     = `C:\ko-app\`
	koHealthArgs = `C:\healthcheck.args`
)
