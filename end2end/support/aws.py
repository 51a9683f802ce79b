# A user of the account with these rights and nothing more; prints the access key as AWS shows it for the command line.
import json, sys
import botocore.session

endpoint, name, *actions = sys.argv[1:]
iam = botocore.session.Session().create_client(
    "iam", region_name="eu-central-1", endpoint_url=endpoint, aws_access_key_id="test", aws_secret_access_key="test"
)
iam.create_user(UserName=name)
statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
iam.put_user_policy(UserName=name, PolicyName="enrol", PolicyDocument=policy)
key = iam.create_access_key(UserName=name)["AccessKey"]
print(key["AccessKeyId"], key["SecretAccessKey"])
