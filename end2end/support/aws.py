# Sets up what a story needs at AWS, and prints it: `user` prints the access key of a user with these rights and nothing more as
# AWS shows it for the command line, `cognito` and `role` print JSON, `template` makes a provisioning template.
import json, sys
import botocore.session

endpoint, what, *rest = sys.argv[1:]
session = botocore.session.Session()
ACCOUNT = "000000000000"


def client(service):
    return session.create_client(
        service, region_name="eu-central-1", endpoint_url=endpoint, aws_access_key_id="test", aws_secret_access_key="test"
    )


iam = client("iam")


def document(**statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


def user(name, *actions):
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="enrol", PolicyDocument=document(Action=actions, Resource="*"))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    print(key["AccessKeyId"], key["SecretAccessKey"])


def make_role(name, trust, actions):
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="enrol", PolicyDocument=document(Action=actions, Resource="*"))
    return arn


# A user pool with a person, its app client, and an identity pool whose people may do this.
def cognito(username, password, *actions):
    pools, identities = client("cognito-idp"), client("cognito-identity")
    pool = pools.create_user_pool(PoolName="plant")["UserPool"]["Id"]
    app = pools.create_user_pool_client(
        UserPoolId=pool, ClientName="gangway", CallbackURLs=["https://nowhere.example"], AllowedOAuthFlows=["code"],
        AllowedOAuthScopes=["openid"], AllowedOAuthFlowsUserPoolClient=True, SupportedIdentityProviders=["COGNITO"],
    )["UserPoolClient"]["ClientId"]
    pools.admin_create_user(UserPoolId=pool, Username=username, MessageAction="SUPPRESS")
    pools.admin_set_user_password(UserPoolId=pool, Username=username, Password=password, Permanent=True)
    provider = f"cognito-idp.eu-central-1.amazonaws.com/{pool}"
    identity_pool = identities.create_identity_pool(
        IdentityPoolName="plant", AllowUnauthenticatedIdentities=False,
        CognitoIdentityProviders=[{"ProviderName": provider, "ClientId": app, "ServerSideTokenCheck": False}],
    )["IdentityPoolId"]
    trust = document(
        Principal={"Federated": "cognito-identity.amazonaws.com"}, Action="sts:AssumeRoleWithWebIdentity",
        Condition={"StringEquals": {"cognito-identity.amazonaws.com:aud": identity_pool}},
    )
    arn = make_role("cognito-enrol", trust, actions)
    identities.set_identity_pool_roles(IdentityPoolId=identity_pool, Roles={"authenticated": arn})
    print(json.dumps({"pool": pool, "client": app, "identityPool": identity_pool}))


# Where the app client may return to: the signer's own address, which is known once the signer is there.
def callback(pool, app, redirect_uri):
    client("cognito-idp").update_user_pool_client(
        UserPoolId=pool, ClientId=app, CallbackURLs=[redirect_uri], AllowedOAuthFlows=["code"], AllowedOAuthScopes=["openid"],
        AllowedOAuthFlowsUserPoolClient=True, SupportedIdentityProviders=["COGNITO"],
    )


# A role for whoever signs in at this issuer.
def role(issuer, audience, *actions):
    host = issuer.split("://", 1)[1]
    provider = iam.create_open_id_connect_provider(Url=f"https://{host}", ClientIDList=[audience], ThumbprintList=["0" * 40])
    trust = document(
        Principal={"Federated": provider["OpenIDConnectProviderArn"]}, Action="sts:AssumeRoleWithWebIdentity",
        Condition={"StringEquals": {f"{host}:aud": audience}},
    )
    print(json.dumps({"role": make_role("oidc-enrol", trust, actions)}))


# The template of deploy/aws, by this name.
def template(name, file):
    trust = document(Principal={"Service": "iot.amazonaws.com"}, Action="sts:AssumeRole")
    client("iot").create_provisioning_template(
        templateName=name, templateBody=open(file).read(), enabled=True, provisioningRoleArn=make_role(f"{name}-provisioning", trust, ["iot:*"]),
    )


{"user": user, "cognito": cognito, "callback": callback, "role": role, "template": template}[what](*rest)
